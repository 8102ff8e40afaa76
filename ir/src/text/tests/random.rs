//! Random graphs whose every field is as hostile as its type allows.
//!
//! They are no sensible graphs: the text form must hold whatever the compiler holds, broken graphs too, because those
//! are what is looked at. Structs are written without `..`, and [`following`] is exhaustive: a new field or operation
//! does not compile before it is made here.

use arrow_schema::DataType;

use super::values::{Random, data_type, expr, query, schema, text};
use crate::estimate::{Estimate, Quality};
use crate::expr::{NamedExpr, NamedExprs};
use crate::graph::{
    CachePolicy, Counted, Graph, Node, Owner, Parameter, ParameterTarget, Placement, PlacementChoice, Role,
    Schedule, Segment,
};
use crate::hash::ContentHash;
use crate::op::{
    Aggregate, AssertionSeverity, ChangeFeed, ChangeRange, Check, Conform, Distinct, FileColumn, FileFormat,
    FileManifest, FileSource, Filter, GraphTable, Identity, Input, Join, JoinColumn, JoinType, Lists,
    Normalize, Op, Project, Query, Read, Relate, RelateSpan, Scan, SchemaMode, SelectColumn, Side, Sink,
    SinkMode, SortColumn, SpanJoin, SpanRelation, TableMetadata, Union, UnionByName, Unnest, Window, Written,
};
use crate::phase::Phase;

/// A graph in which every operation stands at least once.
pub(super) fn graph(random: &mut Random) -> Graph {
    let mut graph = Graph::new(text(random));
    graph.phase = random.pick(&Phase::ALL);
    graph.parameters = random.list(3, parameter);
    graph.cache = if random.chance() { CachePolicy::default() } else { cache(random) };
    graph.schedule = random.option(|random| Schedule { segments: random.list(3, segment) });
    let mut ids = Vec::new();
    let mut op = following(None, random);
    while let Some(next) = op {
        op = following(Some(&next), random);
        let mut name = text(random);
        while graph.find(&name).is_some() {
            name.push_str(&text(random));
            name.push('x');
        }
        ids.push(graph.add(node(name, next, random)).unwrap());
    }
    for &id in &ids {
        if graph.phase == Phase::Lowered {
            graph[id].sources = random.list(3, text);
        } else {
            for port in random.list(3, |random| random.below(4)) {
                let from = random.pick(&ids);
                graph.connect(from, id, port);
            }
        }
    }
    graph
}

fn node(name: String, op: Op, random: &mut Random) -> Node {
    let owner = random.pick(&[Owner::View, Owner::Output, Owner::Assertion])(text(random));
    Node {
        owner: if random.chance() { Owner::View(name.clone()) } else { owner },
        role: random.pick(&[Role::Result, Role::Step]),
        name,
        op,
        sources: Vec::new(),
        schema: random.option(schema),
        contract: random.option(schema),
        placement: random.option(|random| Placement {
            choice: random.pick(&[PlacementChoice::Recompute, PlacementChoice::Share]),
            reason: text(random),
        }),
    }
}

fn parameter(random: &mut Random) -> Parameter {
    let target = if random.chance() {
        ParameterTarget::Placeholder(random.number() as u32)
    } else {
        ParameterTarget::FilterEq { base: random.option(text), column: text(random) }
    };
    Parameter { target, value: expr(random), label: random.option(text) }
}

fn cache(random: &mut Random) -> CachePolicy {
    CachePolicy {
        min_fanout: random.number() as u32,
        min_estimated_rows: random.option(Random::number),
        memory_budget: random.option(Random::number),
        force: random.list(3, text),
        never: random.list(3, text),
        counted: random.list(3, |random| (text(random), counted(random))).into_iter().collect(),
    }
}

fn counted(random: &mut Random) -> Counted {
    Counted { rows: estimate(random), runs: random.number() as u32 }
}

fn segment(random: &mut Random) -> Segment {
    Segment {
        root: text(random),
        level: random.number() as u32,
        reads: random.list(3, text),
        rows: estimate(random),
        cost: random.number(),
        bottom_level: random.number(),
        critical: random.chance(),
    }
}

fn estimate(random: &mut Random) -> Estimate {
    let quality = random.pick(&[Quality::Exact, Quality::Estimated, Quality::Unknown]);
    Estimate { rows: random.number(), quality }
}

/// An operation of the kind after this one's, until there is none; first of the first kind.
fn following(op: Option<&Op>, random: &mut Random) -> Option<Op> {
    let random = &mut *random;
    Some(match op {
        None => Op::Input(Input {
            location: text(random),
            version: random.option(Random::number),
            files: random.option(file_source),
            lineage: random.option(text),
        }),
        Some(Op::Input(_)) => Op::ChangeFeed(ChangeFeed { range: range(random) }),
        Some(Op::ChangeFeed(_)) => Op::TableMetadata(TableMetadata {}),
        Some(Op::TableMetadata(_)) => Op::FileManifest(FileManifest {}),
        Some(Op::FileManifest(_)) => Op::Normalize(Normalize {
            kind: text(random),
            id_columns: random.list(3, text),
            span_columns: random.option(pair),
            text_columns: random.list(3, text),
        }),
        Some(Op::Normalize(_)) => Op::Relate(relate(random)),
        Some(Op::Relate(_)) => Op::UnionByName(UnionByName {
            discriminator: random.option(text),
            distinct: random.chance(),
            sources: random.list(3, text),
        }),
        Some(Op::UnionByName(_)) => Op::Conform(conform(random)),
        Some(Op::Conform(_)) => Op::Scan(scan(random)),
        Some(Op::Scan(_)) => Op::Filter(Filter { predicate: expr(random) }),
        Some(Op::Filter(_)) => Op::Project(Project { columns: columns(random) }),
        Some(Op::Project(_)) => {
            Op::Aggregate(Aggregate { group_by: columns(random), measures: columns(random) })
        }
        Some(Op::Aggregate(_)) => Op::Window(Window { columns: columns(random) }),
        Some(Op::Window(_)) => Op::Unnest(Unnest {
            column: text(random),
            alias: random.option(text),
            keep_empty: random.chance(),
        }),
        Some(Op::Unnest(_)) => Op::Query(Query { query: query(random), relations: random.list(3, text) }),
        Some(Op::Query(_)) => Op::Join(Join {
            join_type: join_type(random),
            on: random.list(3, keys),
            columns: random.list(3, join_column),
        }),
        Some(Op::Join(_)) => Op::SpanJoin(SpanJoin {
            join_type: join_type(random),
            relation: relation(random),
            on: random.list(3, keys),
            left: pair(random),
            right: pair(random),
            innermost: random.chance(),
            columns: random.list(3, join_column),
        }),
        Some(Op::SpanJoin(_)) => Op::Union(Union {}),
        Some(Op::Union(_)) => Op::Distinct(Distinct {}),
        Some(Op::Distinct(_)) => Op::Sink(sink(random)),
        Some(Op::Sink(_)) => Op::Check(check(random)),
        Some(Op::Check(_)) => Op::Written(Written { columns: random.option(|random| random.list(3, text)) }),
        Some(Op::Written(_)) => return None,
    })
}

fn check(random: &mut Random) -> Check {
    Check {
        assertion: text(random),
        subject: text(random),
        rule: text(random),
        severity: random.pick(&[AssertionSeverity::Warn, AssertionSeverity::Error]),
    }
}

fn range(random: &mut Random) -> ChangeRange {
    ChangeRange {
        starting_version: random.option(Random::number),
        ending_version: random.option(Random::number),
        starting_timestamp: random.option(text),
        ending_timestamp: random.option(text),
    }
}

fn relate(random: &mut Random) -> Relate {
    Relate {
        join_type: join_type(random),
        on: random.list(3, keys),
        span: random.option(|random| RelateSpan {
            relation: relation(random),
            left: pair(random),
            right: pair(random),
            innermost: random.chance(),
        }),
        select: random.option(|random| {
            random.list(3, |random| {
                if random.chance() {
                    SelectColumn::All(side(random))
                } else {
                    SelectColumn::One(join_column(random))
                }
            })
        }),
        suffix: random.option(keys),
    }
}

fn scan(random: &mut Random) -> Scan {
    let reads = [Read::Rows, Read::Changes(range(random)), Read::Metadata, Read::Files];
    Scan {
        location: text(random),
        version: random.number(),
        identity: random.option(identity),
        read: random.pick(&reads),
        files: random.option(file_source),
        lineage: random.option(text),
        partitioned_by: random.list(3, text),
        columns: random.option(|random| random.list(3, text)),
        rows: estimate(random),
    }
}

fn file_source(random: &mut Random) -> FileSource {
    let column = |random: &mut Random| FileColumn {
        name: text(random),
        data_type: text(random),
        nullable: random.chance(),
    };
    FileSource {
        format: random.pick(&FileFormat::ALL),
        options: random.list(3, keys).into_iter().collect(),
        union_by_name: random.chance(),
        columns: random.option(|random| random.list(3, column)),
    }
}

fn identity(random: &mut Random) -> Identity {
    let digest = |random: &mut Random| ContentHash::of(text(random).as_bytes());
    Identity {
        table_id: text(random),
        commit: random.option(digest),
        listing: random.option(digest),
        place: random.option(text),
    }
}

fn sink(random: &mut Random) -> Sink {
    Sink {
        location: text(random),
        mode: random.pick(&[SinkMode::Append, SinkMode::Overwrite, SinkMode::Return]),
        schema_mode: random.pick(&[SchemaMode::Strict, SchemaMode::Additive, SchemaMode::Replace]),
        partition_by: random.list(3, text),
        sort_by: random.list(3, |random| SortColumn { column: text(random), descending: random.chance() }),
        target_file_size: random.option(Random::number),
        metadata: random.list(3, keys).into_iter().collect(),
        max_commit_retries: random.option(|random| random.number() as u32),
        graph: random.option(graph_table),
    }
}

fn columns(random: &mut Random) -> NamedExprs {
    random.list(4, |random| NamedExpr::new(text(random), expr(random))).into_iter().collect()
}

fn pair(random: &mut Random) -> [String; 2] {
    [text(random), text(random)]
}

fn keys(random: &mut Random) -> (String, String) {
    (text(random), text(random))
}

fn join_column(random: &mut Random) -> JoinColumn {
    let column = text(random);
    let name = if random.chance() { column.clone() } else { text(random) };
    JoinColumn { name, from: side(random), column }
}

fn side(random: &mut Random) -> Side {
    random.pick(&[Side::Left, Side::Right])
}

fn join_type(random: &mut Random) -> JoinType {
    random.pick(&[
        JoinType::Inner,
        JoinType::Left,
        JoinType::Right,
        JoinType::Full,
        JoinType::Semi,
        JoinType::Anti,
    ])
}

fn relation(random: &mut Random) -> SpanRelation {
    random.pick(&[SpanRelation::Contains, SpanRelation::Within, SpanRelation::Overlaps, SpanRelation::Equals])
}

fn conform(random: &mut Random) -> Conform {
    Conform {
        columns: schema(random),
        lists: random.option(|random| Lists {
            by: random.list(3, text),
            list: text(random),
            element: random.list(3, text),
            order: random.list(3, text),
        }),
        graph: random.option(graph_table),
    }
}

fn graph_table(random: &mut Random) -> GraphTable {
    random.pick(&[GraphTable::Nodes, GraphTable::Edges])
}

/// Every kind of type is made: the generator would otherwise grow stale unseen.
#[test]
fn all_types_are_made() {
    let mut random = Random::new(7);
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..4000 {
        let data_type: DataType = data_type(&mut random, 0);
        let printed = data_type.to_string();
        names.insert(printed.split('(').next().unwrap().to_owned());
    }
    assert_eq!(names.len(), 41, "{names:?}");
}
