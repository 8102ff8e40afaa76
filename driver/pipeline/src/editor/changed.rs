//! What has changed in a spec since it was checked last: that is checked before all the rest.

use std::collections::HashMap;

use ir::spec::{Spec, ViewDefinition};
use passes::Selection;

/// A spec of fewer views is checked as a whole before anybody has waited for it.
const MANY_VIEWS: usize = 200;
/// No more than one in so many views has changed where it is worth to check these first.
const FEW: usize = 10;

/// The views of a spec that are new, or defined in another way than before, with all that reads them. Nothing for a spec of which
/// something else has changed, too, or much, and for a small one.
#[must_use]
pub fn changed_views(before: &Spec, after: &Spec) -> Option<Selection> {
    if after.view_definitions.len() < MANY_VIEWS || !differ_in_views_only(before, after) {
        return None;
    }
    let mut known: HashMap<&str, &ViewDefinition> =
        before.view_definitions.iter().map(|view| (view.name.as_str(), view)).collect();
    let views = after.view_definitions.iter();
    let changed: Vec<&str> = views
        .filter(|view| known.remove(view.name.as_str()) != Some(view))
        .map(|view| view.name.as_str())
        .collect();
    // Who reads a view that is gone is not among those that have changed.
    let is_part =
        known.is_empty() && !changed.is_empty() && changed.len() * FEW <= after.view_definitions.len();
    is_part.then(|| Selection::with_readers(changed))
}

fn differ_in_views_only(before: &Spec, after: &Spec) -> bool {
    let Spec {
        version,
        input_relations,
        view_definitions: _,
        output_targets,
        join_graph,
        tests,
        rule_intents,
        rulepack_profile,
        runtime,
        typed_parameters,
        rule_overlay,
        runtime_profile,
        session,
        cache_policy,
        maintenance,
    } = before;
    *version == after.version
        && *input_relations == after.input_relations
        && *output_targets == after.output_targets
        && *join_graph == after.join_graph
        && *tests == after.tests
        && *rule_intents == after.rule_intents
        && *rulepack_profile == after.rulepack_profile
        && *runtime == after.runtime
        && *typed_parameters == after.typed_parameters
        && *rule_overlay == after.rule_overlay
        && *runtime_profile == after.runtime_profile
        && *session == after.session
        && *cache_policy == after.cache_policy
        && *maintenance == after.maintenance
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of views, of which each reads the one before.
    fn chain(views: usize, more: &str) -> Spec {
        let mut text =
            "version: 4\ninput_relations: [{logical_name: v0, delta_location: t}]\nview_definitions:\n"
                .to_owned();
        for view in 1..=views {
            let query = format!("SELECT a FROM v{}", view - 1);
            text += &format!("  - {{name: v{view}, transform: {{kind: Sql, query: {query}}}}}\n");
        }
        text += &format!("output_targets: [{{table_name: o, source_view: v{views}}}]\n{more}");
        ir::spec::load(&text, "spec.yaml".into()).spec.unwrap()
    }

    fn texts(before: &Spec, after: &Spec) -> Option<Vec<String>> {
        changed_views(before, after).map(|selection| selection.texts())
    }

    #[test]
    fn what_has_changed_is_views_alone() {
        let before = chain(MANY_VIEWS, "");
        assert_eq!(texts(&before, &before), None);
        let mut after = before.clone();
        after.view_definitions[7].transform = before.view_definitions[3].transform.clone();
        assert_eq!(texts(&before, &after), Some(vec!["v8+".to_owned()]));
        // One more.
        let mut added = after.view_definitions[9].clone();
        added.name = "a,b".to_owned();
        after.view_definitions.push(added);
        assert_eq!(texts(&before, &after), Some(vec!["v8+".to_owned(), "\"a,b\"+".to_owned()]));
        assert_eq!(texts(&after, &before), None, "one is gone");
        after.output_targets[0].table_name = "p".to_owned();
        assert_eq!(texts(&before, &after), None, "an output has changed");
        assert_eq!(texts(&chain(10, ""), &chain(MANY_VIEWS, "")), None, "much has changed");
        let small = chain(MANY_VIEWS - 1, "");
        let mut other = small.clone();
        other.view_definitions[7].transform = small.view_definitions[3].transform.clone();
        assert_eq!(texts(&small, &other), None, "it is small");
    }
}
