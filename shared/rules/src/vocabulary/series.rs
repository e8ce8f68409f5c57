//! Series of jobs: jobs that do the same work and whose names differ by a time, a number or a hash.

use crate::vocabulary::resource::Kind;

/// A job's name without the times, numbers and hashes at its end, which differ between jobs that do the same work:
/// `churn-train-2026-11-24-09-10-00-123` → `churn-train`. A name that consists only of these is returned unchanged.
pub fn job_stem(name: &str) -> &str {
    let is_counter = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let is_hash = 6 <= part.len() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_time = 8 <= digits && part.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'T' | b'Z'));
        digits == part.len() || (0 < digits && is_hash) || is_time
    };
    let mut stem = name;
    while let Some((front, last)) = stem.rsplit_once('-') {
        if !is_counter(last) {
            return stem;
        }
        stem = front;
    }
    if is_counter(stem) { name } else { stem }
}

/// The id of the series that a job of this kind and name belongs to.
pub fn series_id(kind: Kind, name: &str) -> String {
    Kind::JobSeries.id(&kind.id(job_stem(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_one_series_have_one_stem() {
        for (name, stem) in [
            ("churn-train-2026-11-24-09-10-00-123", "churn-train"),
            ("churn-train-20261124T091000Z", "churn-train"),
            ("bert-base-uncased-0007", "bert-base-uncased"),
            ("pipelines-a1b2c3d4e5f6-Train-Xy12Zz", "pipelines-a1b2c3d4e5f6-Train-Xy12Zz"),
            ("resnet50", "resnet50"),
            ("xgb-9f86d081884c", "xgb"),
            ("model-b", "model-b"),
            ("2026-11-24", "2026-11-24"),
            ("", ""),
        ] {
            assert_eq!(job_stem(name), stem, "{name}");
        }
    }
}
