//! `lambent doctor`: what this host can do, and what to do about what it cannot.

mod checks;

use std::process::ExitCode;

use serde::Serialize;

use crate::arguments::DoctorOptions;
use crate::failure::Failure;
use crate::terminal::{line, paint};

/// One line of the doctor's.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    /// What was found.
    pub(crate) detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but not as it should.
    Warning,
    /// Does not work.
    Failed,
}

impl Finding {
    pub(crate) fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Ok, detail: detail.into(), remedy: None }
    }

    pub(crate) fn warning(name: &str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { name: name.to_owned(), verdict: Verdict::Warning, detail: detail.into(), remedy }
    }

    pub(crate) fn failed(name: &str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, ..Self::warning(name, detail, remedy) }
    }
}

/// The exit status is a failure when something failed; warnings are none.
pub(crate) fn run(options: &DoctorOptions) -> Result<ExitCode, Failure> {
    let findings = checks::all(options)?;
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Failed);
    if options.json {
        line(&serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            print(finding);
        }
        line(if failed {
            "\nSomething is missing: see the remedies above."
        } else {
            "\nThis host can run Lambent."
        });
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(finding: &Finding) {
    let mark = match finding.verdict {
        Verdict::Ok => paint("32", "ok     "),
        Verdict::Warning => paint("33", "warning"),
        Verdict::Failed => paint("31", "FAILED "),
    };
    line(&format!("{mark} {}: {}", finding.name, finding.detail));
    if let Some(remedy) = &finding.remedy {
        line(&format!("        {} {remedy}", paint("36", "remedy:")));
    }
}
