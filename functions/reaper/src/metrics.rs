//! A run in `CloudWatch`'s embedded metric format: a line of JSON on standard output, which the log makes metrics of.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde_json::json;
use shared::time::Timestamp;

use crate::Report;

/// The line of a run that ended at a time, with its end.
pub(crate) fn line(report: &Report, stage: &str, at: Timestamp) -> String {
    let document = json!({
        "_aws": {
            "Timestamp": at.milliseconds(),
            "CloudWatchMetrics": [{
                "Namespace": "Glint",
                "Dimensions": [["Stage"]],
                "Metrics": [
                    { "Name": "OldestDueAge", "Unit": "Seconds" },
                    { "Name": "Expired", "Unit": "Count" },
                    { "Name": "Completed", "Unit": "Count" },
                    { "Name": "Removed", "Unit": "Count" },
                    { "Name": "Failed", "Unit": "Count" },
                ],
            }],
        },
        "Stage": stage,
        "OldestDueAge": report.oldest_seconds,
        "Expired": report.expired,
        "Completed": report.completed,
        "Removed": report.removed,
        "Failed": report.failed,
    });
    format!("{document}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// What the format's schema requires: the members and their types, and that what is named is there.
    #[test]
    fn a_line_is_a_document_of_the_embedded_metric_format() {
        let report = Report { oldest_seconds: 61, expired: 1, completed: 4, removed: 2, failed: 3 };
        let line = line(&report, "prod", Timestamp::from_microseconds(1_790_841_600_123_456));
        assert_eq!(line.find('\n'), Some(line.len() - 1), "one line: {line}");
        let document: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(document["_aws"]["Timestamp"], 1_790_841_600_123_u64, "milliseconds since 1970");
        let [directive] = document["_aws"]["CloudWatchMetrics"].as_array().unwrap().as_slice() else {
            panic!("one directive: {document}")
        };
        assert_eq!(directive["Namespace"], "Glint");
        assert_eq!(directive["Dimensions"], json!([["Stage"]]));
        assert_eq!(document["Stage"], "prod");
        let metrics = directive["Metrics"].as_array().unwrap().iter().map(|metric| {
            let name = metric["Name"].as_str().unwrap();
            (name, metric["Unit"].as_str().unwrap(), document[name].as_u64().unwrap())
        });
        let expected = [
            ("OldestDueAge", "Seconds", 61),
            ("Expired", "Count", 1),
            ("Completed", "Count", 4),
            ("Removed", "Count", 2),
            ("Failed", "Count", 3),
        ];
        assert_eq!(metrics.collect::<Vec<_>>(), expected);
    }
}
