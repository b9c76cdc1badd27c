//! Floor 5: answers into text. Renderers decide nothing: no filtering, no order, no exit status. The types that are serialised live
//! here and nowhere else; their shape is the promise that `schemas/` writes down.

mod answer;
mod aso;
mod azure;
mod checks;
mod custom_columns;
mod document;
mod escalations;
mod evidence;
mod explain;
mod format;
mod github;
mod graph;
mod guard;
mod issues;
mod jsonpath;
mod junit;
mod look;
mod review;
mod sarif;
mod saved;
mod sort;
mod table;
mod tame;
#[cfg(test)]
mod tests;
mod text;
mod what_can;
mod who_can;
mod why;
mod wrap;

pub use answer::{Print, PrintError, Printed};
pub use aso::{AsoReport, operator_line};
pub use azure::AzureWhoCanReport;
pub use checks::{ChecksReport, check_list, explain_check};
pub use custom_columns::CustomColumns;
pub use document::{Exit, Metadata, SourceKind};
pub use escalations::{Asked, EscalationsReport, classes};
pub use explain::{check_table, explain, technique_table};
pub use format::{Fits, Format, FormatError, Wanted};
pub use graph::{GraphAsked, GraphFormat, GraphFormatError, GraphReport, graph};
pub use guard::{GuardPart, GuardRights, GuardVerdict};
pub use jsonpath::JsonPath;
pub use look::Look;
pub use review::{ReviewItem, ReviewReport};
pub use saved::{saved, saved_gz};
pub use sort::SortBy;
pub use text::safe;
pub use what_can::{Layout, WhatCanReport, binding_thing};
pub use who_can::WhoCanReport;
pub use why::WhyReport;
