//! `mailwright verify`: everything in a data directory is looked at.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use mailwright_store_sqlite::log::DamageKind;
use mailwright_store_sqlite::{VerifyReport, verify};
use serde_json::json;

use crate::data::failure;

/// Looks at every octet of a data directory, while no server is at work in it. Changes nothing.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The data directory.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Ends with 0 if all is as it was written, with 1 if something is damaged.
    pub(crate) fn run(&self) -> ExitCode {
        let report = match verify(&self.dir) {
            Ok(report) => report,
            Err(error) => return failure(&self.dir, &error).print(),
        };
        if self.json {
            println!("{}", as_json(&report));
        } else {
            print!("{}", as_text(&report));
        }
        if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn as_text(report: &VerifyReport) -> String {
    let VerifyReport { groups, bodies, octets, rows, files, .. } = report;
    let mut text = format!(
        "log     {groups} groups with {bodies} bodies, {octets} octets\nindex   {rows} rows\nbodies  {files} files of their own\n"
    );
    for damage in &report.damage {
        let blobs: Vec<String> = damage.bodies.iter().map(|body| hex(&body.blob.0)).collect();
        text += &format!(
            "damaged: segment {:016x} at {}, {} octets: {:?} {}\n",
            damage.segment,
            damage.offset,
            damage.len,
            damage.kind,
            blobs.join(" "),
        );
    }
    for difference in &report.index {
        text += &format!("index: {difference}\n");
    }
    for file in &report.damaged_files {
        text += &format!("damaged: file bulk/{file}\n");
    }
    if report.is_sound() {
        return text + "everything is as it was written\n";
    }
    if report.damage.iter().any(|damage| damage.kind == DamageKind::Body) || !report.damaged_files.is_empty()
    {
        text += "  why  the disk gave back other octets than were written\n  do   a damaged body is that of one message: restore it from a backup, and have the disk tested\n";
    }
    if !report.index.is_empty() {
        text += "  do   nothing: the next start builds the index anew from the log\n";
    }
    text
}

fn as_json(report: &VerifyReport) -> serde_json::Value {
    let damage = report.damage.iter().map(|damage| {
        json!({
            "kind": format!("{:?}", damage.kind),
            "segment": damage.segment,
            "offset": damage.offset,
            "length": damage.len,
            "blobs": damage.bodies.iter().map(|body| hex(&body.blob.0)).collect::<Vec<_>>(),
        })
    });
    json!({
        "schema_version": 1,
        "sound": report.is_sound(),
        "groups": report.groups,
        "bodies": report.bodies,
        "octets": report.octets,
        "rows": report.rows,
        "files": report.files,
        "damage": damage.collect::<Vec<_>>(),
        "index": report.index,
        "damaged_files": report.damaged_files,
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
