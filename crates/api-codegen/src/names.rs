//! Names of the model as Rust spells them.

/// `FunctionName` -> `function_name`, `KMSKeyArn` -> `kms_key_arn`, `S3Bucket` -> `s3_bucket`.
pub(crate) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut out = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|before| letters.get(before));
        let next = letters.get(index + 1);
        let starts_word = letter.is_uppercase()
            && previous.is_some_and(|previous| {
                !previous.is_uppercase() && *previous != '_'
                    || previous.is_uppercase() && next.is_some_and(|next| next.is_lowercase())
            });
        if starts_word {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// A field's name; Rust's own words are written raw.
pub(crate) fn field(name: &str) -> String {
    let name = snake(name);
    match name.as_str() {
        "type" | "match" | "enum" | "struct" | "ref" | "use" | "where" | "in" | "for" | "loop" | "move" => {
            format!("r#{name}")
        }
        _ => name,
    }
}

/// The name of a schema's static.
pub(crate) fn constant(name: &str) -> String {
    snake(name).to_uppercase()
}

/// A shape's name as a type; names that Rust or the generated code uses otherwise get a suffix.
pub(crate) fn type_name(name: &str) -> String {
    let mut letters = name.chars();
    let upper: String =
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
    match upper.as_str() {
        "String" | "Vec" | "Option" | "Box" | "BTreeMap" | "Bytes" | "Error" | "Result" | "Timestamp"
        | "Struct" | "Default" | "Document" | "EventStream" => format!("{upper}Shape"),
        _ => upper,
    }
}

/// `python3.12` -> `Python312`, `aws:kms` -> `AwsKms`, `$LATEST` -> `Latest`, `TRACE` -> `Trace`.
pub(crate) fn variant(value: &str) -> String {
    let mut out = String::new();
    for word in value.split(|c: char| !c.is_alphanumeric()) {
        let shouted = word.chars().all(|c| !c.is_lowercase());
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            out.extend(first.to_uppercase());
            if shouted {
                out.push_str(&letters.as_str().to_lowercase());
            } else {
                out.push_str(letters.as_str());
            }
        }
    }
    if value.ends_with('*') {
        out.push_str("Any");
    }
    if out.is_empty() || out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert_str(0, "Value");
    }
    if out == "Self" || out == "Unknown" { format!("{out}Value") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_rust_spells_them() {
        for (name, expected) in [
            ("FunctionName", "function_name"),
            ("KMSKeyArn", "kms_key_arn"),
            ("S3Bucket", "s3_bucket"),
            ("CodeSha256", "code_sha256"),
            ("logGroupName", "log_group_name"),
            ("VpcId", "vpc_id"),
            ("CORS", "cors"),
        ] {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(variant("python3.12"), "Python312");
        assert_eq!(variant("PER_TENANT"), "PerTenant");
        assert_eq!(variant("s3:ObjectCreated:*"), "S3ObjectCreatedAny");
    }
}
