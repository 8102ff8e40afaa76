//! Goldens: none without a case, none waiting for a decision, all with a proper header; every case is judged by
//! something that was not blessed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use ir::diag::SourceName;
use ir::spec::Transform;
use libtest_mimic::Trial;
use passes::PIPELINE;

use super::{files, has_extension, read, rule, shown};
use crate::errors::{group, known_bad, specs};
use crate::golden::OTHER_STAGES;
use crate::harness::{Case, golden_path, root, stem};

pub(super) fn trials(cases: &[Arc<Case>]) -> Vec<Trial> {
    let (known, judged, used) = (cases.to_vec(), cases.to_vec(), cases.to_vec());
    vec![
        rule("no_orphan_goldens", "no case or bad spec makes these goldens; delete them", move || {
            orphans(&known)
        }),
        rule(
            "no_pending_goldens",
            "goldens wait for a decision; run `cargo insta review`, or rename *.snap.new to *.snap, or delete them",
            || {
                let pending =
                    |path: &PathBuf| has_extension(path, "new") || shown(path).ends_with("pending-snap");
                files(&root().join("snapshots"))
                    .into_iter()
                    .filter(pending)
                    .map(|path| shown(&path))
                    .collect()
            },
        ),
        rule("golden_headers", "these goldens have an unexpected header", headers),
        rule(
            "cases_are_judged",
            "a golden proves nothing alone; give these cases rows in `expected/`, queries in `plain/` or questions in `answers/`",
            move || unjudged(&judged),
        ),
        rule("every_transform_has_a_case", "kinds of transforms no case uses", move || {
            unused_transforms(&used)
        }),
    ]
}

fn orphans(cases: &[Arc<Case>]) -> Vec<String> {
    let mut known: BTreeSet<PathBuf> = BTreeSet::new();
    for case in cases {
        let passes: Vec<String> = PIPELINE.iter().map(|pass| pass.stage()).collect();
        let stages = passes.iter().map(String::as_str).chain(OTHER_STAGES.iter().map(|(stage, _)| *stage));
        known.extend(case.shown(stages).into_iter().map(|stage| golden_path(&case.name, stage)));
    }
    let specs = [specs(), known_bad()].concat();
    known.extend(specs.iter().map(|spec| golden_path(group(spec), &stem(spec))));
    let found = files(&root().join("snapshots")).into_iter().filter(|path| !has_extension(path, "new"));
    found.filter(|path| !known.contains(path)).map(|path| shown(&path)).collect()
}

/// The header says where the golden comes from and what it shows, and does not repeat the input.
fn headers() -> Vec<String> {
    let snapshots = files(&root().join("snapshots")).into_iter().filter(|path| has_extension(path, "snap"));
    snapshots
        .filter(|path| {
            let text = read(path);
            let header = text
                .strip_prefix("---\n")
                .and_then(|rest| rest.split_once("---\n"))
                .map_or("", |(header, _)| header);
            let keys: Vec<&str> =
                header.lines().filter_map(|line| line.split_once(':')).map(|(key, _)| key).collect();
            keys != ["source", "description"]
        })
        .map(|path| shown(&path))
        .collect()
}

fn unjudged(cases: &[Arc<Case>]) -> Vec<String> {
    let judged =
        |case: &Case| ["expected", "plain", "answers"].iter().any(|kind| !case.expectations(kind).is_empty());
    cases.iter().filter(|case| !judged(case)).map(|case| case.name.clone()).collect()
}

fn unused_transforms(cases: &[Arc<Case>]) -> Vec<String> {
    let mut unused: BTreeSet<&str> = Transform::KINDS.iter().copied().collect();
    for path in cases.iter().map(|case| case.folder.join("spec.yaml")).filter(|path| path.is_file()) {
        let loaded = ir::spec::load(&read(&path), SourceName::new(shown(&path)));
        for view in loaded.spec.iter().flat_map(|spec| &spec.view_definitions) {
            unused.remove(view.transform.kind());
        }
    }
    unused.into_iter().map(str::to_owned).collect()
}
