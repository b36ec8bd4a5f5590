//! `docs/rfc/index.md` claims nothing that is not there.

use anyhow::Result;

use crate::finding::Finding;
use crate::rfc::Report;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    Ok(Report::new(workspace)?.findings(workspace))
}
