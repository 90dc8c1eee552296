//! Relative links of Markdown files must lead somewhere.

use std::fs;
use std::path::Path;

/// What is wrong with the links of a page; `file` is its path from the root.
pub(crate) fn broken(root: &Path, file: &str, text: &str) -> Vec<String> {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut wrong = Vec::new();
    for (line, target) in links(text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let full = if path.is_empty() { root.join(file) } else { root.join(folder).join(path) };
        if !full.exists() {
            wrong.push(format!("{file}:{line}: {target} does not exist"));
        } else if !anchor.is_empty() && full.extension().is_some_and(|extension| extension == "md") {
            let there = fs::read_to_string(&full).unwrap_or_default();
            if !headings(&there).any(|heading| heading == anchor) {
                wrong.push(format!("{file}:{line}: {target} has no such heading"));
            }
        }
    }
    wrong
}

/// The targets of `[text](target)` outside code, each with its line.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    outside_fences(text).flat_map(|(number, line)| {
        let outside_code = line.split('`').step_by(2);
        // A link's text may be code, so its target may come first after it.
        outside_code
            .flat_map(|part| part.split("](").skip(1))
            .filter_map(move |rest| rest.split_once(')').map(|(target, _)| (number, target)))
    })
}

/// Headings as GitHub names their anchors.
fn headings(text: &str) -> impl Iterator<Item = String> {
    outside_fences(text).filter_map(|(_, line)| line.strip_prefix('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    })
}

fn outside_fences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.starts_with("```") {
            inside = !inside;
            return None;
        }
        (!inside).then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_code() {
        let text = "a [b](c.md) and [`d`](e.md#f)\n```sh\n[no](x.md)\n```\n`[no](y.md)` [g](h)";
        let found: Vec<_> = links(text).collect();
        assert_eq!(found, [(1, "c.md"), (1, "e.md#f"), (5, "h")]);
    }

    #[test]
    fn a_link_to_nowhere_is_told_with_its_line() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let text =
            "[r](../README.md)\n[n](nowhere.md) [h](../README.md#no-such-heading) [w](https://example.com)";
        let wrong = broken(root, "docs/page.md", text);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("docs/page.md:2: nowhere.md"), "{wrong:?}");
        assert!(
            broken(root, "README.md", "# A b\n[x](#a-b)").len() == 1,
            "the page itself is read from the disk"
        );
    }

    #[test]
    fn headings_are_named_as_their_anchors() {
        let names: Vec<_> = headings("# AWS Lambda (API)\n## `lambent serve`").collect();
        assert_eq!(names, ["aws-lambda-api", "lambent-serve"]);
    }
}
