//! Transforms as operations.

mod relate;

use chrono::DateTime;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::expr::{NamedExpr, NamedExprs};
use ir::op::{
    Aggregate, ChangeFeed, ChangeRange, FileManifest, Filter, Normalize, Op, Project, Query, TableMetadata,
    UnionByName, Unnest, Window,
};
use ir::origin::{Definition, Place, SpecField};
use ir::spec::{self, Transform, ViewDefinition};

use super::{expression, lower_columns, unique_names};
use crate::context::Context;

/// An operation and the names of its inputs, in port order.
type Lowered = (Op, Vec<String>);

/// The operation of a view; nothing when the transform has a mistake, which is reported. `origin` gets to know where the
/// parts of the transform stand, which is at `place`.
pub(super) fn lower(
    cx: &mut Context<'_>,
    view: &ViewDefinition,
    place: &SpecPath,
    origin: &mut Definition,
) -> Option<Lowered> {
    match &view.transform {
        Transform::Normalize(normalize) => lower_normalize(cx, &view.name, normalize, place, origin),
        Transform::Relate(relate) => relate::lower(cx, relate, place, origin),
        Transform::Union(union) => lower_union(cx, union, place, origin),
        Transform::Project(project) => {
            let list = place.field("columns");
            let columns = lower_columns(cx, &project.columns, &list, origin, SpecField::Column)?;
            origin.record(SpecField::Columns, list);
            Some((Op::Project(Project { columns }), only_source(&project.source, place, origin)))
        }
        Transform::Filter(filter) => {
            let field = place.field("predicate");
            let predicate = expression::parse(cx, &filter.predicate, &field)?;
            origin.record(SpecField::Predicate, Place::of_sql(field, &filter.predicate));
            Some((Op::Filter(Filter { predicate }), only_source(&filter.source, place, origin)))
        }
        Transform::Aggregate(aggregate) => lower_aggregate(cx, aggregate, place, origin),
        Transform::Window(window) => lower_window(cx, window, place, origin),
        Transform::Unnest(unnest) => {
            origin.record(SpecField::Operation, place.field("column"));
            let op = Unnest {
                column: unnest.column.clone(),
                alias: unnest.alias.clone(),
                keep_empty: unnest.keep_empty,
            };
            Some((Op::Unnest(op), only_source(&unnest.source, place, origin)))
        }
        Transform::Sql(sql) => lower_sql(cx, sql, place, origin),
        Transform::IncrementalCdf(feed) => lower_change_feed(cx, feed, place, origin),
        Transform::Metadata(metadata) => {
            Some((Op::TableMetadata(TableMetadata {}), only_source(&metadata.source, place, origin)))
        }
        Transform::FileManifest(manifest) => {
            Some((Op::FileManifest(FileManifest {}), only_source(&manifest.source, place, origin)))
        }
        Transform::CpgEmit(emit) => lower_cpg(cx, emit, place, origin),
    }
}

/// The inputs of a transform with one, which its field `source` names.
fn only_source(source: &str, place: &SpecPath, origin: &mut Definition) -> Vec<String> {
    origin.record(SpecField::Source(0), place.field("source"));
    vec![source.to_owned()]
}

fn lower_normalize(
    cx: &mut Context<'_>,
    view: &str,
    normalize: &spec::Normalize,
    place: &SpecPath,
    origin: &mut Definition,
) -> Option<Lowered> {
    if normalize.id_columns.is_empty()
        && normalize.span_columns.is_none()
        && normalize.text_columns.is_empty()
    {
        cx.report(
            Diagnostic::new(codes::EMPTY_TRANSFORM, "`Normalize` without columns adds nothing")
                .at(place.clone())
                .help("give `id_columns`, `span_columns` or `text_columns`"),
        );
        return None;
    }
    let spans = normalize.span_columns.as_ref().map_or(0, |columns| columns.len());
    origin.record_list(SpecField::Ids, place.field("id_columns"), normalize.id_columns.len(), SpecField::Id);
    origin.record_list(SpecField::Spans, place.field("span_columns"), spans, SpecField::Span);
    origin.record_list(
        SpecField::Texts,
        place.field("text_columns"),
        normalize.text_columns.len(),
        SpecField::Text,
    );
    let op = Normalize {
        kind: view.to_owned(),
        id_columns: normalize.id_columns.clone(),
        span_columns: normalize.span_columns.clone(),
        text_columns: normalize.text_columns.clone(),
    };
    Some((Op::Normalize(op), only_source(&normalize.source, place, origin)))
}

fn lower_union(
    cx: &mut Context<'_>,
    union: &spec::Union,
    place: &SpecPath,
    origin: &mut Definition,
) -> Option<Lowered> {
    if union.sources.len() < 2 {
        let message = format!("a union needs at least two sources, this one has {}", union.sources.len());
        cx.report(Diagnostic::new(codes::UNION_ARITY, message).at(place.field("sources")));
        return None;
    }
    origin.record_list(SpecField::Sources, place.field("sources"), union.sources.len(), SpecField::Source);
    origin.record(SpecField::Discriminator, place.field("discriminator_column"));
    let op = UnionByName {
        discriminator: union.discriminator_column.clone(),
        distinct: union.distinct,
        sources: union.sources.clone(),
    };
    Some((Op::UnionByName(op), union.sources.clone()))
}

fn lower_aggregate(
    cx: &mut Context<'_>,
    aggregate: &spec::Aggregate,
    place: &SpecPath,
    origin: &mut Definition,
) -> Option<Lowered> {
    if aggregate.group_by.is_empty() && aggregate.aggregations.is_empty() {
        cx.report(
            Diagnostic::new(codes::EMPTY_AGGREGATE, "neither `group_by` nor `aggregations` is given")
                .at(place.clone()),
        );
        return None;
    }
    let keys = place.field("group_by");
    let group_by = lower_columns(cx, &aggregate.group_by, &keys, origin, SpecField::GroupBy);
    let mut measures = Vec::new();
    for (index, entry) in aggregate.aggregations.iter().enumerate() {
        let place = place.field("aggregations").index(index);
        let call = expression::aggregate_call(cx, entry, &place);
        // An aggregation is written in several texts.
        origin.record(SpecField::Measure(index), place.clone());
        measures.push(call.map(|call| (NamedExpr::new(&entry.alias, call), place.field("alias"))));
    }
    let (group_by, measures) = (group_by?, measures.into_iter().collect::<Option<Vec<_>>>()?);
    let groups: Vec<SpecPath> = (0..group_by.0.len()).map(|index| keys.index(index)).collect();
    let names = group_by.iter().map(|column| column.name.as_str()).zip(&groups);
    let measure_names = measures.iter().map(|(measure, place)| (measure.name.as_str(), place));
    if !unique_names(cx, names.chain(measure_names)) {
        return None;
    }
    let measures: NamedExprs = measures.into_iter().map(|(measure, _)| measure).collect();
    Some((Op::Aggregate(Aggregate { group_by, measures }), only_source(&aggregate.source, place, origin)))
}

fn lower_window(
    cx: &mut Context<'_>,
    window: &spec::Window,
    place: &SpecPath,
    origin: &mut Definition,
) -> Option<Lowered> {
    if window.columns.is_empty() {
        cx.report(
            Diagnostic::new(codes::EMPTY_TRANSFORM, "`Window` without `columns` computes nothing")
                .at(place.field("columns")),
        );
        return None;
    }
    let entries: Vec<spec::NamedExpr> = window
        .columns
        .iter()
        .map(|column| spec::NamedExpr { name: column.name.clone(), expr: Some(column.expr.clone()) })
        .collect();
    let columns = lower_columns(cx, &entries, &place.field("columns"), origin, SpecField::Column)?;
    Some((Op::Window(Window { columns }), only_source(&window.source, place, origin)))
}

fn lower_sql(
    cx: &mut Context<'_>,
    sql: &spec::Sql,
    place: &SpecPath,
    origin: &mut Definition,
) -> Option<Lowered> {
    let place = place.field("query");
    let text = &sql.query;
    match cx.queries.map_or_else(|| ir::expr::Query::parse(text), |queries| queries.parse(text)) {
        Ok(query) => {
            let relations: Vec<String> = query.relations().into_iter().collect();
            let place = Place::of_sql(place, &sql.query);
            (0..relations.len()).for_each(|port| origin.record(SpecField::Source(port), place.clone()));
            origin.record(SpecField::Operation, place);
            Some((Op::Query(Query { query, relations: relations.clone() }), relations))
        }
        Err(error) => {
            expression::report_sql(cx, &error, &sql.query, &place);
            None
        }
    }
}

fn lower_change_feed(
    cx: &mut Context<'_>,
    feed: &spec::IncrementalCdf,
    place: &SpecPath,
    origin: &mut Definition,
) -> Option<Lowered> {
    let contradiction = if feed.starting_version.is_some() && feed.starting_timestamp.is_some() {
        Some(("starting_timestamp", "the start is given as a version and as a time"))
    } else if feed.ending_version.is_some() && feed.ending_timestamp.is_some() {
        Some(("ending_timestamp", "the end is given as a version and as a time"))
    } else if feed.ending_version.is_some_and(|end| end < feed.starting_version.unwrap_or(0)) {
        Some(("ending_version", "the feed would end before it starts"))
    } else {
        None
    };
    if let Some((field, message)) = contradiction {
        cx.report(Diagnostic::new(codes::CDF_BOUNDS, message).at(place.field(field)));
        return None;
    }
    let mut sound = true;
    for (field, time) in
        [("starting_timestamp", &feed.starting_timestamp), ("ending_timestamp", &feed.ending_timestamp)]
    {
        if let Some(text) = time.as_ref().filter(|text| DateTime::parse_from_rfc3339(text).is_err()) {
            let message = format!("`{text}` is not a moment like 2026-01-31T12:00:00Z");
            cx.report(Diagnostic::new(codes::BAD_TIMESTAMP, message).at(place.field(field)).found(text));
            sound = false;
        }
    }
    if !sound {
        return None;
    }
    let range = ChangeRange {
        starting_version: feed.starting_version,
        ending_version: feed.ending_version,
        starting_timestamp: feed.starting_timestamp.clone(),
        ending_timestamp: feed.ending_timestamp.clone(),
    };
    Some((Op::ChangeFeed(ChangeFeed { range }), only_source(&feed.source, place, origin)))
}

fn lower_cpg(
    cx: &mut Context<'_>,
    emit: &spec::CpgEmit,
    place: &SpecPath,
    origin: &mut Definition,
) -> Option<Lowered> {
    if emit.sources.is_empty() {
        let message = "`CpgEmit` needs at least one source";
        cx.report(Diagnostic::new(codes::CPG_WITHOUT_SOURCES, message).at(place.clone()));
        return None;
    }
    origin.record_list(SpecField::Sources, place.field("sources"), emit.sources.len(), SpecField::Source);
    Some((Op::Conform(emit.output_kind.conform()), emit.sources.clone()))
}
