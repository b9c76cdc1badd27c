//! Floor 4: what grants add up to. A catalogue of techniques, the attack graph that they make of an access graph, and the findings
//! that are walked out of it. Nothing is printed here, and nothing is read.

mod attack;
mod azure;
mod baseline;
mod catalogue;
mod checks;
mod cuts;
mod finding;
mod held;
mod kubernetes;
mod picture;
mod pins;
mod remedy;
mod replay;
mod solve;
mod suppress;
mod take;
mod technique;

pub use attack::{Effect, Place, PodIx, RoleKey, SecretIx, Version};
pub use azure::{AzureGain, AzureStep, AzureTarget, AzureWanted, AzureWhat, Power, Sure, Types, Who, has_roles};
pub use baseline::{Change, Changes, compare};
pub use catalogue::{CATALOGUE, technique};
pub use checks::{CHECKS, Check, CheckFinding, CheckObject, Found, check, run_checks};
pub use cuts::{Chosen, Cuts, Grant, cuts};
pub use finding::{
    Evidence, Finding, RequestDone, RightDone, Severity, Start, StepDone, Target, secret, start, start_in, start_thing,
    target_name,
};
pub use picture::{
    Around, EdgeKind, Grouping, Item, ItemKind, LeftOut, Picture, PictureAsk, PictureEdge, PictureNode, find,
    finding_by, picture, picture_of,
};
pub use pins::Names;
pub use remedy::{Cut, Remedies, Remedy};
pub use replay::{replay, replay_access};
pub use solve::{Access, Ask, Escalations, Holders, Platform, escalations};
pub use suppress::{Date, Hidden, Suppressed, Suppression, suppress};
pub use take::RuleText;
pub use technique::{At, Blocker, Confidence, Kind, On, Request, Right, Technique};
