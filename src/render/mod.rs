//! Floor 5: answers into text. Renderers decide nothing: no filtering, no order, no exit status. The types that are serialised live
//! here and nowhere else; their shape is the promise that `schemas/` writes down.

mod aso;
mod azure;
mod checks;
mod document;
mod escalations;
mod evidence;
mod explain;
mod format;
mod graph;
mod review;
mod saved;
mod table;
mod tame;
#[cfg(test)]
mod tests;
mod text;
mod what_can;
mod who_can;
mod why;
mod wrap;

pub use aso::{AsoReport, aso, operator_line};
pub use azure::{AzureWhoCanReport, azure_who_can};
pub use checks::{ChecksReport, check_list, checks, explain_check};
pub use document::{Exit, Metadata, SourceKind};
pub use escalations::{Asked, EscalationsReport, classes, escalations};
pub use explain::{explain, technique_table};
pub use format::{Format, FormatError};
pub use graph::{GraphAsked, GraphFormat, GraphFormatError, GraphReport, graph};
pub use review::{ReviewItem, ReviewReport, reviews};
pub use saved::{saved, saved_gz};
pub use text::safe;
pub use what_can::{Layout, WhatCanReport, binding_thing, what_can};
pub use who_can::{WhoCanReport, who_can};
pub use why::{WhyReport, why};
