//! What a refusal by AWS means, in plain words, before the words of AWS.

/// The end of the name of a quota for managed Spot.
const SPOT: &str = " for spot training job usage";

/// Why something failed, for people: what it means if that is known, then what AWS says. Without a full stop at its end.
pub(crate) fn explained(why: &str) -> String {
    let why = why.trim().trim_end_matches('.');
    meaning(why).map_or_else(|| why.to_owned(), |meaning| format!("{meaning}. In full: {why}"))
}

/// What an error means. It is known by AWS's code, which stands in the text as `Code: message`. `None`: not known.
fn meaning(why: &str) -> Option<String> {
    let has = |code: &str| why.split([' ', ',']).any(|word| word.strip_suffix(':').unwrap_or(word) == code);
    if has("ResourceLimitExceeded") || has("ServiceQuotaExceededException") {
        return Some(quota(why).unwrap_or_else(|| "A quota of the account is used up, and can be raised in Service Quotas".to_owned()));
    }
    if has("InsufficientInstanceCapacity") || has("InsufficientCapacityException") || has("CapacityError") {
        return Some("AWS has too few of these instances right now".to_owned());
    }
    if has("AccessDeniedException") || has("AccessDenied") || has("UnauthorizedOperation") {
        return Some("The guard may not do this in this account".to_owned());
    }
    (has("ThrottlingException") || has("Throttling")).then(|| "AWS got too many requests at a time".to_owned())
}

/// `Your Spot quota for ml.p3.2xlarge is 0, and can be raised in Service Quotas`, from `The account-level service limit 'ml.p3.2xlarge for spot training job usage'
/// is 0 Instances, with current utilization of 0 Instances and …`. `None`: AWS says it in another way.
fn quota(why: &str) -> Option<String> {
    let (_, rest) = why.split_once("service limit '")?;
    let (name, rest) = rest.split_once("' is ")?;
    let number = |text: &str| text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
    let limit = number(rest)?;
    let used = rest.split_once("current utilization of ").and_then(|(_, used)| number(used));
    let whose = name.strip_suffix(SPOT).map_or_else(|| format!("Your quota \"{name}\""), |on| format!("Your Spot quota for {on}"));
    let used = used.filter(|used| 0 < *used).map_or_else(String::new, |used| format!(", {used} of it in use"));
    Some(format!("{whose} is {limit}{used}, and can be raised in Service Quotas"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_said_in_plain_words_first() {
        let limit = |name: &str, limit: u32, used: u32| {
            format!(
                "CreateTrainingJob x: ResourceLimitExceeded: The account-level service limit '{name}' is {limit} Instances, with current utilization of \
                 {used} Instances and a request delta of 1 Instances."
            )
        };
        for (why, plain) in [
            (
                limit("ml.p3.2xlarge for spot training job usage", 0, 0),
                Some("Your Spot quota for ml.p3.2xlarge is 0, and can be raised in Service Quotas"),
            ),
            (
                limit("ml.p3.2xlarge for spot training job usage", 4, 4),
                Some("Your Spot quota for ml.p3.2xlarge is 4, 4 of it in use, and can be raised in Service Quotas"),
            ),
            (
                limit("ml.p3.2xlarge for training job usage", 0, 0),
                Some("Your quota \"ml.p3.2xlarge for training job usage\" is 0, and can be raised in Service Quotas"),
            ),
            ("ResourceLimitExceeded: too many".to_owned(), Some("A quota of the account is used up, and can be raised in Service Quotas")),
            ("ResourceLimitExceeded".to_owned(), Some("A quota of the account is used up, and can be raised in Service Quotas")),
            ("x: InsufficientInstanceCapacity: no".to_owned(), Some("AWS has too few of these instances right now")),
            ("AccessDeniedException: User x is not authorized".to_owned(), Some("The guard may not do this in this account")),
            ("StopApp, ThrottlingException: Rate exceeded".to_owned(), Some("AWS got too many requests at a time")),
            ("churn-spot is Stopped".to_owned(), None),
            ("NotAnAccessDenied: x".to_owned(), None),
        ] {
            let why_alone = why.trim_end_matches('.');
            let expected = plain.map_or_else(|| why_alone.to_owned(), |plain| format!("{plain}. In full: {why_alone}"));
            assert_eq!(explained(&why), expected);
        }
    }
}
