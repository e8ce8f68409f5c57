//! Reads CSV files that people write. Errors name the file, the line and what was expected.

use std::{fs, path::Path};

use anyhow::{Context as _, anyhow};
use csv::{ByteRecord, ReaderBuilder, Trim};

/// Hands over each line that is not blank, without the blanks around its fields. An error gets the file's name and the line.
pub(crate) fn each(file: &Path, mut row: impl FnMut(&ByteRecord) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let name = file.display();
    let bytes = fs::read(file).with_context(|| format!("{name} cannot be read"))?;
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(&*bytes);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| anyhow!("{name} cannot be read: {error}"))? {
        let line = record.position().map_or(0, |position| line_of(position, &bytes));
        let is_blank = record.len() == 1 && record[0].is_empty();
        if !is_blank {
            row(&record).with_context(|| format!("{name}, line {line}"))?;
        }
    }
    Ok(())
}

/// The line on which a record begins. Its position is before the empty lines above it.
fn line_of(position: &csv::Position, bytes: &[u8]) -> u64 {
    let rest = usize::try_from(position.byte()).ok().and_then(|from| bytes.get(from..)).unwrap_or_default();
    position.line() + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).filter(|byte| **byte == b'\n').count() as u64
}

/// A field's beginning, without what a terminal would act upon.
pub(crate) fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    text.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// All fields of a line.
pub(crate) fn fields(record: &ByteRecord) -> String {
    record.iter().map(shown).collect::<Vec<_>>().join(",")
}
