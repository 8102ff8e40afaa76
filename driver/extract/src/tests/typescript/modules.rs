//! What names and members of TypeScript and JavaScript lead to over files.

use super::super::rust::crates::{leads_to, target};
use super::*;

/// Checks calls given as (path, callee, what it leads to), among these files.
fn check(files: &[(&str, &str)], expected: &[(&str, &str, &str)]) {
    let tables = Tables::of(files);
    for &(path, callee, wanted) in expected {
        assert_eq!(target(&tables, path, callee), wanted, "{path}: {callee}");
    }
}

#[test]
fn imports_lead_through_modules() {
    check(
        &[
            (
                "a.ts",
                "export function f() {}\nexport default class D { m() {} }\nexport const g = () => 1;\nfunction hidden() {}",
            ),
            (
                "b.ts",
                "export { f as renamed, default as Main } from './a';\nexport * from './c.js';\nexport * as all from './a';",
            ),
            (
                "c.ts",
                "import { g } from './a';\nexport { g };\nexport * from './b';\nexport const own = function () {};",
            ),
            ("sub/index.tsx", "import d from '../a';\nexport { d as again };\nexport default () => <div />;"),
            (
                "main.mts",
                "import { renamed, g, own, Main, all, missing } from './b';\nimport * as ns from './c';\nimport sub, { again as more } from './sub';\n\
                 renamed(); g(); own(); new Main(); all.f(); ns.g(); ns.renamed(); sub(); new more(); missing(); ns.hidden();\nall.default; new all.default().m();",
            ),
        ],
        &[
            ("main.mts", "renamed", "a.ts:f"),
            ("main.mts", "g", "a.ts:g"),
            ("main.mts", "own", "c.ts:own"),
            ("main.mts", "Main", "a.ts:D"),
            ("main.mts", "all.f", "a.ts:f"),
            ("main.mts", "ns.g", "a.ts:g"),
            ("main.mts", "ns.renamed", "a.ts:f"),
            ("main.mts", "sub", "sub/index.tsx:NULL"),
            ("main.mts", "more", "a.ts:D"),
            ("main.mts", "missing", "?.missing (dynamic)"),
            ("main.mts", "ns.hidden", "?.hidden (dynamic)"),
            ("main.mts", "new all.default().m", "a.ts:m"),
        ],
    );
}

#[test]
fn modules_of_commonjs_and_what_is_outside() {
    check(
        &[
            (
                "lib/index.js",
                "exports.a = function () {};\nmodule.exports.b = () => {};\nfunction local() {}\nexports.local = local;\nexports.local(); module.exports.b();",
            ),
            ("whole.js", "function Whole() {}\nmodule.exports = Whole;"),
            ("object.cjs", "const own = () => {};\nmodule.exports = { own, other() {}, [computed]: 1 };"),
            ("typed.ts", "class T { m() {} }\nexport = T;"),
            (
                "main.js",
                "const lib = require('./lib');\nconst { a, local: l } = require('./lib/index.js');\nconst whole = require('./whole');\n\
                 import { own } from './object.cjs';\nlib.a(); lib.b(); lib.local(); a(); l(); whole(); own(); require('./object.cjs').other();\n\
                 const fs = require('node:fs'); fs.readFileSync(); console.log(); describe(); [].map(); parseInt('1'); new Map().get();\n\
                 import React, { useState as use } from 'react'; use(); React.createElement(); import * as path from 'path'; path.join();\n\
                 async function later() { (await import('./lib')).b(); const { a: z } = await import('./lib'); z(); }",
            ),
            ("user.ts", "import T = require('./typed');\nnew T().m();"),
        ],
        &[
            ("lib/index.js", "exports.local", "lib/index.js:local"),
            ("lib/index.js", "module.exports.b", "lib/index.js:b"),
            ("main.js", "lib.a", "lib/index.js:a"),
            ("main.js", "lib.b", "lib/index.js:b"),
            ("main.js", "lib.local", "lib/index.js:local"),
            ("main.js", "a", "lib/index.js:a"),
            ("main.js", "l", "lib/index.js:local"),
            ("main.js", "whole", "whole.js:Whole"),
            ("main.js", "own", "object.cjs:own"),
            ("main.js", "require('./object.cjs').other", "object.cjs:other"),
            ("main.js", "fs.readFileSync", "fs.readFileSync (external_import)"),
            ("main.js", "console.log", "console.log (builtin)"),
            ("main.js", "describe", "describe (unbound)"),
            ("main.js", "[].map", "Array.prototype.map (builtin)"),
            ("main.js", "parseInt", "parseInt (builtin)"),
            ("main.js", "new Map().get", "Map.prototype.get (builtin)"),
            ("main.js", "use", "react.useState (external_import)"),
            ("main.js", "React.createElement", "react.default.createElement (external_import)"),
            ("main.js", "path.join", "path.join (external_import)"),
            ("main.js", "(await import('./lib')).b", "lib/index.js:b"),
            ("main.js", "z", "lib/index.js:a"),
            ("user.ts", "new T().m", "typed.ts:m"),
        ],
    );
}

#[test]
fn members_are_found_in_classes_and_their_bases() {
    check(
        &[
            (
                "base.ts",
                "export abstract class Base<T> {\n  constructor(protected store: Store) {}\n  shared(): this { return this; }\n  abstract open(): void;\n  static make() { return new Store(); }\n}\n\
                 export class Store { #secret() {} run() { this.#secret(); } get child(): Store { return this; } }\nexport interface Runs { go(): void }",
            ),
            (
                "main.ts",
                "import { Base, Store, type Runs } from './base';\nimport { Outer } from 'outer';\n\
                 class Derived extends Base<number> implements Runs {\n  items: Store[] = [];\n  go() { this.store.run(); this.shared().go(); super.shared(); this.open(); this.missing(); }\n\
                 \x20 open() {}\n  each() { for (const item of this.items) item.run(); this.items[0].child.run(); this.field(); }\n  field = () => this.go();\n\
                 \x20 constructor() { super(new Store()); }\n}\n\
                 class Plain {}\nclass Far extends Outer { m() { this.remote(); } }\nclass Unknown extends mixin(Plain) { m() { this.what(); } }\n\
                 function use(runs: Runs, either: Derived | null, far: Far) { runs.go(); either!.each(); far.remote(); }\n\
                 new Derived(); new Plain(); Derived.make().run(); const d = new Derived(); d.shared().each();\nconst object = { method() { this.other(); }, other: () => {} }; object.method();",
            ),
        ],
        &[
            ("base.ts", "this.#secret", "base.ts:#secret"),
            ("main.ts", "this.store.run", "base.ts:run"),
            ("main.ts", "this.shared", "base.ts:shared"),
            ("main.ts", "this.shared().go", "main.ts:go"),
            ("main.ts", "super.shared", "base.ts:shared"),
            ("main.ts", "this.open", "main.ts:open"),
            ("main.ts", "this.missing", "?.missing (dynamic)"),
            ("main.ts", "item.run", "base.ts:run"),
            ("main.ts", "this.items[0].child.run", "base.ts:run"),
            ("main.ts", "this.field", "main.ts:field"),
            ("main.ts", "this.go", "main.ts:go"),
            ("main.ts", "super", "base.ts:constructor"),
            ("main.ts", "this.remote", "outer.Outer.remote (external_import)"),
            ("main.ts", "this.what", "?.what (dynamic)"),
            ("main.ts", "runs.go", "base.ts:go"),
            ("main.ts", "either!.each", "main.ts:each"),
            ("main.ts", "far.remote", "outer.Outer.remote (external_import)"),
            ("main.ts", "Derived", "main.ts:constructor"),
            ("main.ts", "Plain", "main.ts:Plain"),
            ("main.ts", "Derived.make().run", "base.ts:run"),
            ("main.ts", "d.shared().each", "main.ts:each"),
            ("main.ts", "object.method", "main.ts:method"),
            ("main.ts", "this.other", "main.ts:other"),
        ],
    );
}

#[test]
fn overloads_lead_to_what_implements_them() {
    let text = "function f(a: string): void;\nfunction f(a: number): void;\nfunction f(a: any) {}\nf(1);\n\
                class C { m(): void; m(a?: number) {} static m() {} }\nnew C().m(); C.m();\ndeclare function g(a: string): C;\ndeclare function g(): C;\ng().m();";
    let tables = Tables::of(&[("m.ts", text)]);
    let start = |id: &str| {
        let nodes = tables.rows(Table::SyntaxNodes);
        nodes.iter().find(|node| node["node_id"] == id).map(|node| node["bstart"].clone()).unwrap_or_default()
    };
    let found = |relation: &str, place: &str| {
        let at = text.find(place).unwrap();
        let end = if relation == "calls" { at + place.len() } else { at + 1 };
        let span = (at.to_string(), end.to_string());
        let rows = tables.rows(Table::Resolutions);
        let row = rows
            .iter()
            .find(|row| row["relation"] == relation && (&row["bstart"], &row["bend"]) == (&span.0, &span.1));
        row.map(|row| start(&row["target_node_id"]))
    };
    let at = |place: &str| Some(text.find(place).unwrap().to_string());
    assert_eq!(found("calls", "f(1)"), at("function f(a: any)"));
    assert_eq!(found("refers_to", "f(a: string)"), at("function f(a: any)"));
    assert_eq!(found("refers_to", "m(): void"), at("m(a?: number)"));
    assert_eq!(found("calls", "new C().m()"), at("m(a?: number)"));
    assert_eq!(found("calls", "C.m()"), at("static m()"));
    assert_eq!(found("calls", "g().m()"), at("m(a?: number)"));
    assert_eq!(found("refers_to", "f(a: any)"), None);
}

#[test]
fn classes_say_what_they_derive_from_and_what_new_makes() {
    let files = [
        ("a.ts", "export class A {}\nexport interface I {}\nexport interface J extends I {}"),
        (
            "b.ts",
            "import { A, J } from './a';\nclass B extends A implements J { constructor() { super(); } }\nnew B();",
        ),
    ];
    let tables = Tables::of(&files);
    let nodes = tables.rows(Table::SyntaxNodes);
    let node = |path: &str, kind: &str, name: &str| {
        let found =
            nodes.iter().find(|node| node["path"] == path && node["kind"] == kind && node["name"] == name);
        found.map(|node| node["node_id"].clone()).unwrap_or_default()
    };
    assert_eq!(leads_to(&tables, "inherits", &node("b.ts", "class_declaration", "B")), "a.ts:A or a.ts:J");
    assert_eq!(leads_to(&tables, "inherits", &node("a.ts", "interface_declaration", "J")), "a.ts:I");
    assert_eq!(leads_to(&tables, "instantiates", &node("b.ts", "new_expression", "NULL")), "b.ts:B");
    let made = tables.rows(Table::Resolutions).iter().filter(|row| row["relation"] == "instantiates").count();
    assert_eq!(made, 1, "what calls the constructor of its base makes no object of it");
}

#[test]
fn merged_declarations_and_namespaces_have_all_members() {
    check(
        &[(
            "m.ts",
            "namespace util { export const one = () => 1; export namespace deep { export function two() {} } }\nnamespace util { export function three() {} }\n\
             interface Box { a(): void }\ninterface Box { b(): void }\nfunction go(box: Box) { box.a(); box.b(); }\n\
             util.one(); util.deep.two(); util.three();\nfunction both() {}\nnamespace both { export const sub = () => {}; }\nboth(); both.sub();\n\
             enum E { A }\nE.A.toString(); type Alias = { run: () => void } & Box; function f(x: Alias) { x.run(); x.b(); }\n\
             let g: typeof util.three; const again = util.one; again(); const { deep: { two } } = util; two();",
        )],
        &[
            ("m.ts", "box.a", "m.ts:a"),
            ("m.ts", "box.b", "m.ts:b"),
            ("m.ts", "util.one", "m.ts:one"),
            ("m.ts", "util.deep.two", "m.ts:two"),
            ("m.ts", "util.three", "m.ts:three"),
            ("m.ts", "both", "m.ts:both"),
            ("m.ts", "both.sub", "m.ts:sub"),
            ("m.ts", "x.run", "m.ts:run"),
            ("m.ts", "x.b", "m.ts:b"),
            ("m.ts", "again", "m.ts:one"),
            ("m.ts", "two", "m.ts:two"),
        ],
    );
}

#[test]
fn settings_say_where_modules_are() {
    check(
        &[
            ("package.json", "{\"name\": \"root\", \"workspaces\": [\"packages/*\"]}"),
            (
                "tsconfig.json",
                "{ // paths\n \"compilerOptions\": { \"baseUrl\": \".\", \"paths\": { \"~/*\": [\"app/*\"], }, }, }",
            ),
            ("packages/one/package.json", "{\"name\": \"@x/one\", \"main\": \"./dist/index.js\"}"),
            ("packages/one/src/index.ts", "export function one() {}"),
            ("app/lib/two.ts", "export function two() {}"),
            (
                "app/main.ts",
                "import { one } from '@x/one';\nimport { two } from '~/lib/two';\nimport { two as three } from 'app/lib/two';\none(); two(); three();",
            ),
        ],
        &[
            ("app/main.ts", "one", "packages/one/src/index.ts:one"),
            ("app/main.ts", "two", "app/lib/two.ts:two"),
            ("app/main.ts", "three", "app/lib/two.ts:two"),
        ],
    );
}

#[test]
fn what_leads_to_itself_ends() {
    check(
        &[
            (
                "a.ts",
                "export * from './b';\nexport { x } from './b';\nimport { y } from './b';\nexport { y as z };\ny(); ",
            ),
            ("b.ts", "export * from './a';\nexport { x } from './a';\nexport { z as y } from './a';"),
            (
                "c.ts",
                "class A extends B { m() { this.n(); } }\nclass B extends A {}\nconst p = q, q = p; p();\nfunction f() { return f(); }\nf().g();\ninterface I extends I, J { }\ninterface J extends I { }\ntype T = T;\nfunction h(i: I, t: T) { i.x(); t.x(); }",
            ),
        ],
        &[
            ("a.ts", "y", "?.y (dynamic)"),
            ("c.ts", "this.n", "?.n (dynamic)"),
            ("c.ts", "p", "?.p (dynamic)"),
            ("c.ts", "f().g", "?.g (dynamic)"),
            ("c.ts", "i.x", "?.x (dynamic)"),
            ("c.ts", "t.x", "?.x (dynamic)"),
        ],
    );
}

#[test]
fn comments_of_javascript_say_types() {
    check(
        &[
            ("a.js", "class A { m() { return this; } }\nexports.A = A;"),
            (
                "b.js",
                "const { A } = require('./a');\n/**\n * @typedef { import('./a.js').A } Far\n */\n\n/**\n * @param {A} one - first\n * @param {Far[]} [many]\n\
                 * @param {string|number} odd\n * @returns {?A}\n */\nfunction f(one, many, odd) { one.m(); many.forEach(); many[0].m(); odd.m(); }\n\
                 class B {\n constructor() {\n  /** @type {A | undefined} */\n  this.a = undefined;\n  this.a.m().m(); f().m(); this.constructor();\n }\n}",
            ),
        ],
        &[
            ("b.js", "one.m", "a.js:m"),
            ("b.js", "many.forEach", "Array.prototype.forEach (builtin)"),
            ("b.js", "many[0].m", "a.js:m"),
            ("b.js", "odd.m", "?.m (dynamic)"),
            ("b.js", "this.a.m", "a.js:m"),
            ("b.js", "this.a.m().m", "a.js:m"),
            ("b.js", "f().m", "a.js:m"),
            ("b.js", "this.constructor", "?.constructor (dynamic)"),
        ],
    );
}
