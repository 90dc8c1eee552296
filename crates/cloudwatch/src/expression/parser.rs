//! From text to an expression.

/// How deep parentheses and calls may be nested: far less than a stack holds.
const DEPTH_MAX: usize = 40;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    Number(f64),
    Text(String),
    /// The id of a query, or a word such as `REPEAT`.
    Name(String),
    List(Vec<Expression>),
    Call(String, Vec<Expression>),
    Negated(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

impl Operator {
    /// How strongly it binds; all but the power bind to the left.
    const fn strength(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => 3,
            Self::Add | Self::Subtract => 4,
            Self::Multiply | Self::Divide => 5,
            Self::Power => 7,
        }
    }
}

/// Between the products and the power: `-2 ^ 2` is -4.
const NEGATION: u8 = 6;

impl Expression {
    /// Calls `visit` with this and all expressions in it.
    pub(crate) fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Number(_) | Self::Text(_) | Self::Name(_) => {}
            Self::List(parts) | Self::Call(_, parts) => parts.iter().for_each(|part| part.walk(visit)),
            Self::Negated(part) => part.walk(visit),
            Self::Binary(_, left, right) => {
                left.walk(visit);
                right.walk(visit);
            }
        }
    }
}

/// Understands an expression, or says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expression = parser.expression(0)?;
    match parser.next() {
        None => Ok(expression),
        Some(token) => Err(unexpected(&token)),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Word(String),
    Operator(Operator),
    Sign(char),
}

fn unexpected(token: &Token) -> String {
    match token {
        Token::Number(number) => format!("Unexpected number {number}."),
        Token::Text(text) => format!("Unexpected text \"{text}\"."),
        Token::Word(word) => format!("Unexpected {word}."),
        Token::Operator(operator) => format!("Unexpected operator {operator:?}."),
        Token::Sign(sign) => format!("Unexpected '{sign}'."),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '0'..='9' | '.' => number(rest)?,
            'A'..='Z' | 'a'..='z' | '_' => word(rest),
            '"' | '\'' => {
                let end = rest[1..].find(first).ok_or_else(|| format!("{first} is not closed."))?;
                (Token::Text(rest[1..=end].to_owned()), end + 2)
            }
            _ => sign(rest, first)?,
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn number(text: &str) -> Result<(Token, usize), String> {
    let digits = |text: &str| text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let mut length = digits(text);
    if let Some(exponent) = text[length..].strip_prefix(['e', 'E']) {
        let signed = usize::from(exponent.starts_with(['+', '-']));
        let exponent_digits = digits(&exponent[signed..]);
        if exponent_digits > 0 {
            length += 1 + signed + exponent_digits;
        }
    }
    let number = &text[..length];
    let parsed: f64 = number.parse().map_err(|_| format!("{number} is not a number."))?;
    Ok((Token::Number(parsed), length))
}

fn word(text: &str) -> (Token, usize) {
    let length = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let token = match &text[..length] {
        "AND" => Token::Operator(Operator::And),
        "OR" => Token::Operator(Operator::Or),
        word => Token::Word(word.to_owned()),
    };
    (token, length)
}

fn sign(text: &str, first: char) -> Result<(Token, usize), String> {
    const LONG: &[(&str, Operator)] = &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("&&", Operator::And),
        ("||", Operator::Or),
    ];
    if let Some((_, operator)) = LONG.iter().find(|(sign, _)| text.starts_with(sign)) {
        return Ok((Token::Operator(*operator), 2));
    }
    let token = match first {
        '+' => Token::Operator(Operator::Add),
        '-' => Token::Operator(Operator::Subtract),
        '*' => Token::Operator(Operator::Multiply),
        '/' => Token::Operator(Operator::Divide),
        '^' => Token::Operator(Operator::Power),
        '<' => Token::Operator(Operator::Less),
        '>' => Token::Operator(Operator::Greater),
        '(' | ')' | '[' | ']' | ',' => Token::Sign(first),
        other => return Err(format!("Unexpected '{other}'.")),
    };
    Ok((token, 1))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn accept(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    /// Everything that binds more strongly than `weaker`.
    fn expression(&mut self, weaker: u8) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("The expression is nested too deep.".to_owned());
        }
        let mut left = self.operand()?;
        while let Some(Token::Operator(operator)) = self.peek() {
            let operator = *operator;
            if operator.strength() <= weaker {
                break;
            }
            self.at += 1;
            let binds_right = operator == Operator::Power;
            let right = self.expression(operator.strength() - u8::from(binds_right))?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, String> {
        match self.next() {
            Some(Token::Number(number)) => Ok(Expression::Number(number)),
            Some(Token::Text(text)) => Ok(Expression::Text(text)),
            Some(Token::Word(word)) if self.accept('(') => Ok(Expression::Call(word, self.until(')')?)),
            Some(Token::Word(word)) => Ok(Expression::Name(word)),
            Some(Token::Operator(Operator::Subtract)) => {
                Ok(Expression::Negated(Box::new(self.expression(NEGATION)?)))
            }
            Some(Token::Sign('[')) => Ok(Expression::List(self.until(']')?)),
            Some(Token::Sign('(')) => {
                let inner = self.expression(0)?;
                if self.accept(')') { Ok(inner) } else { Err("')' is missing.".to_owned()) }
            }
            Some(token) => Err(unexpected(&token)),
            None => Err("The expression ends too early.".to_owned()),
        }
    }

    /// Expressions with commas between them, and what closes them.
    fn until(&mut self, end: char) -> Result<Vec<Expression>, String> {
        let mut parts = Vec::new();
        if self.accept(end) {
            return Ok(parts);
        }
        loop {
            parts.push(self.expression(0)?);
            if self.accept(end) {
                return Ok(parts);
            }
            if !self.accept(',') {
                return Err(format!("'{end}' is missing."));
            }
        }
    }
}
