//! What the spec says about sharing views.

use std::collections::BTreeMap;

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::CachePolicy;
use ir::spec::CacheAction;

use super::named_views;
use crate::context::Context;
use crate::pass::SpecSource;

pub(super) fn lower(cx: &mut Context<'_>, source: &SpecSource<'_>) -> CachePolicy {
    let Some(policy) = &source.spec.cache_policy else { return CachePolicy::default() };
    let place = SpecPath::root().field("cache_policy");
    cx.origins.record_cache_policy(place.clone());
    let mut lowered = CachePolicy {
        min_fanout: policy.min_fanout,
        min_estimated_rows: policy.min_estimated_rows,
        memory_budget: policy.cache_memory_budget,
        force: Vec::new(),
        never: Vec::new(),
        counted: BTreeMap::new(),
    };
    let views = named_views(source);
    for (index, entry) in policy.overrides.iter().enumerate() {
        let place = place.field("overrides").index(index);
        if !views.contains(&entry.view_name.as_str()) {
            cx.report(
                Diagnostic::new(codes::UNKNOWN_CACHE_VIEW, format!("there is no view `{}`", entry.view_name))
                    .at(place.field("view_name"))
                    .found(&entry.view_name)
                    .allowed(cx.told(|| views.clone()))
                    .suggest_nearest(),
            );
            continue;
        }
        if lowered.force.contains(&entry.view_name) || lowered.never.contains(&entry.view_name) {
            let message = format!("an earlier override for `{}` stands", entry.view_name);
            let found = Diagnostic::new(codes::CACHE_WITHOUT_EFFECT, message).at(place);
            cx.report(found.about("view", &entry.view_name));
            continue;
        }
        cx.origins.record_cache_override(&entry.view_name, place.field("action"));
        match entry.action {
            CacheAction::ForceCache => lowered.force.push(entry.view_name.clone()),
            CacheAction::NeverCache => lowered.never.push(entry.view_name.clone()),
        }
    }
    lowered
}
