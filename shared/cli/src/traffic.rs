//! Reads traffic from a CSV file: `minute,requests`. Errors name the file, the line and what was expected.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use cost_rules::scaling::Traffic;
use csv::ByteRecord;
use jiff::{
    Timestamp, ZonedDateTime,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use crate::rows::{self, shown};

/// A Monday, 00:00 UTC: when minute 0 was if nobody says.
pub(crate) const A_MONDAY: &str = "2026-01-05T00:00:00Z";

const HEADER: [&[u8]; 2] = [b"minute", b"requests"];

/// Reads a file. A minute without a row has no datapoint.
pub(crate) fn read(file: &Path, starts_at: Timestamp) -> anyhow::Result<Traffic> {
    let mut requests: Vec<Option<u64>> = vec![];
    let mut is_header = true;
    rows::each(file, |record| {
        if is_header {
            let is_right = record.iter().map(<[u8]>::to_ascii_lowercase).eq(HEADER);
            ensure!(is_right, "`{}` is not the header: expected `minute,requests`", rows::fields(record));
            is_header = false;
            return Ok(());
        }
        row(record, &mut requests)
    })?;
    let name = file.display();
    ensure!(!is_header, "{name}, line 1: the file is empty: expected the header `minute,requests`, then one line a minute");
    ensure!(!requests.is_empty(), "{name}, line 2: there is no minute: expected a minute and its requests, for example `0,120`");
    Ok(Traffic::new(starts_at, requests))
}

/// Adds one line's minute, and the minutes without datapoints before it.
fn row(record: &ByteRecord, requests: &mut Vec<Option<u64>>) -> anyhow::Result<()> {
    let [minute, count] = record.iter().collect::<Vec<_>>()[..] else {
        bail!("{} field(s): expected two, a minute and its requests, for example `0,120`", record.len());
    };
    let minute: usize = whole(minute)
        .with_context(|| format!("`{}` is not a minute: expected a whole number of minutes from the start, 0 or more", shown(minute)))?;
    let count: u64 = whole(count).filter(|count| *count <= Traffic::MOST_REQUESTS).with_context(|| {
        format!("`{}` is not a number of requests: expected a whole number from 0 to {}", shown(count), Traffic::MOST_REQUESTS)
    })?;
    ensure!(minute < Traffic::MOST_MINUTES, "minute {minute} is too late: expected less than {} minutes", Traffic::MOST_MINUTES);
    ensure!(
        requests.len() <= minute,
        "minute {minute} stands after minute {}: expected increasing minutes, each once",
        requests.len().saturating_sub(1)
    );
    requests.resize(minute, None);
    requests.push(Some(count));
    Ok(())
}

/// Digits only: `+5`, `5.0` and `1e3` are no counts.
fn whole<N: std::str::FromStr>(text: &[u8]) -> Option<N> {
    let digits = str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// A time as people write it: with an offset, with a zone, or in UTC; or a day.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let utc = |at: DateTime| TimeZone::UTC.to_timestamp(at).ok();
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<ZonedDateTime>().ok().map(|at| at.timestamp()))
        .or_else(|| text.parse::<DateTime>().ok().and_then(utc))
        .or_else(|| text.parse::<Date>().ok().and_then(|day| utc(day.at(0, 0, 0, 0))))
        .ok_or_else(|| format!("`{text}` is not a time: write for example 2026-11-23T00:00:00Z or 2026-11-23"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(text: &[u8]) -> Result<Vec<Option<u64>>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let read = super::read(file.path(), A_MONDAY.parse().unwrap());
        let name = file.path().display().to_string();
        read.map(|traffic| traffic.iter().collect()).map_err(|error| format!("{error:#}").replace(&name, "t.csv"))
    }

    #[test]
    fn reads_what_tools_write() {
        for (text, requests) in [
            (&b"minute,requests\n0,5\n1,0\n"[..], vec![Some(5), Some(0)]),
            (b"minute,requests\r\n0,5\r\n1,7\r\n", vec![Some(5), Some(7)]),
            (b"\xef\xbb\xbfminute,requests\n0,5", vec![Some(5)]),
            (b"Minute, Requests\n\"0\", 5 \n\n3,1\n", vec![Some(5), None, None, Some(1)]),
            (b"minute,requests\n0,5\n\n   \n \t\n", vec![Some(5)]),
            (b"minute,requests\n2,18446744073709551614\n", vec![None, None, Some(u64::MAX - 1)]),
        ] {
            assert_eq!(read(text), Ok(requests), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn says_where_and_what_was_expected() {
        for (text, says) in [
            (&b""[..], "t.csv, line 1: the file is empty: expected the header `minute,requests`"),
            (b"minute,requests\n", "t.csv, line 2: there is no minute: expected"),
            (b"0,5\n1,5\n", "t.csv, line 1: `0,5` is not the header: expected `minute,requests`"),
            (b"\xff\xfem\0i\0", "line 1: `"),
            (b"minute,requests\n0,-3\n", "t.csv, line 2: `-3` is not a number of requests: expected a whole number from 0"),
            (b"minute,requests\n0,1\n1,2.5\n", "t.csv, line 3: `2.5` is not a number of requests"),
            (b"minute,requests\n0,18446744073709551615\n", "is not a number of requests"),
            (b"minute,requests\n0,\x1b[31m5\n", "t.csv, line 2: `\u{fffd}[31m5` is not a number of requests"),
            (
                b"minute,requests\n0,99999999999999999999999999999999999999999999999999\n",
                "`9999999999999999999999999999999999999999` is not a number",
            ),
            (b"minute,requests\n0,\n", "t.csv, line 2: `` is not a number of requests"),
            (b"minute,requests\n0,1\n\n-1,1\n", "t.csv, line 4: `-1` is not a minute: expected a whole number"),
            (b"minute,requests\n5,1\n5,1\n", "t.csv, line 3: minute 5 stands after minute 5: expected increasing minutes"),
            (b"minute,requests\n5,1\n4,1\n", "t.csv, line 3: minute 4 stands after minute 5"),
            (b"minute,requests\n0,1,2\n", "t.csv, line 2: 3 field(s): expected two"),
            (b"minute,requests\n10000000,1\n", "t.csv, line 2: minute 10000000 is too late: expected less than 10000000"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{}: {error}", String::from_utf8_lossy(text));
        }
        let folder = super::read(Path::new("/"), A_MONDAY.parse().unwrap()).unwrap_err();
        assert!(format!("{folder:#}").contains("/ cannot be read"), "{folder:#}");
    }

    #[test]
    fn a_time_is_written_in_several_ways() {
        for text in ["2026-01-05T00:00:00Z", "2026-01-05", "2026-01-05T00:00", "2026-01-05T01:00+01:00", "2026-01-05T01:00[Europe/Berlin]"]
        {
            assert_eq!(time(text), Ok(A_MONDAY.parse().unwrap()), "{text}");
        }
        assert!(time("monday").unwrap_err().contains("is not a time"));
    }
}
