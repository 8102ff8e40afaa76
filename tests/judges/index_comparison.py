"""What the judges have in common that compare the references and calls of a graph with an index of another tool."""

import subprocess
import sys


def run(command, folder):
    """What a command prints; its failure ends the judge."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=3600)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


class BuiltGraph:
    """The code property graph of a folder: made, unless the lake is there, and read by programs of others.

    nodes: node -> (kind, path, start, end, name); children, in the order of the text, and parent: by CONTAINS; names: node ->
    start of the name that it is declared by; edges: (kind, source) -> targets of all others; uses: (path, start) -> what a name
    refers to.
    """

    def __init__(self, driver, folder, lake):
        import duckdb
        from deltalake import DeltaTable

        if not lake.exists():
            run([driver, "build", folder, "--lake", lake], folder)
        connection = duckdb.connect()
        for table in ("cpg_nodes", "cpg_edges"):
            connection.register(table, DeltaTable(str(lake / table)).to_pyarrow_table())
        nodes = connection.execute("SELECT node_id, node_kind, path, bstart, bend, name FROM cpg_nodes").fetchall()
        self.nodes = {row[0]: row[1:] for row in nodes}
        self.children, self.parent, self.names, self.edges, self.uses = {}, {}, {}, {}, {}
        query = "SELECT edge_kind, src_node_id, dst_node_id, path, bstart FROM cpg_edges ORDER BY bstart"
        for kind, source, target, path, start in connection.execute(query).fetchall():
            if kind == "CONTAINS":
                self.children.setdefault(source, []).append(target)
                self.parent[target] = source
            elif kind == "DECLARES":
                self.names.setdefault(target, start)
            else:
                if kind == "REFERS_TO":
                    self.uses.setdefault((path, start), []).append(target)
                self.edges.setdefault((kind, source), []).append(target)
        for children in self.children.values():
            children.sort(key=lambda node: self.nodes[node][2])

    def kind(self, node):
        return self.nodes[node][0]


class Counts:
    """What the graph says, what of that is right, what the index says, what of that is found, and how many answers are groups."""

    def __init__(self):
        self.said = self.right = self.total = self.met = self.groups = 0

    def add(self, answer, is_right, is_wanted):
        self.said += bool(answer)
        self.right += is_right
        self.total += is_wanted
        self.met += is_right and is_wanted
        self.groups += len(answer) > 1

    def rates(self):
        """Precision and recall, in percent."""
        return 100 * self.right / max(self.said, 1), 100 * self.met / max(self.total, 1)

    def text(self):
        precision, recall = self.rates()
        return (
            f"{self.total} in the index, {self.said} answers, {self.groups} of several; "
            f"precision {precision:.2f} %, recall {recall:.2f} %"
        )


def print_differences(title, wrong, missed, show):
    """Prints how many answers are wrong and how many are missing, and the first of them."""
    for name, lines in ((f"{title} that are wrong", wrong), (f"{title} without an answer", missed)):
        print(f"  {name}: {len(lines)}")
        print("".join(f"    {line}\n" for line in lines[:show]), end="")


def is_below(sums, thresholds):
    """Prints the sums; whether one has less precision or recall than is wanted of it."""
    failed = False
    for title, counts in sums.items():
        print(f"{title} of all: {counts.text()}")
        failed |= any(rate < wanted for rate, wanted in zip(counts.rates(), thresholds[title]))
    return failed
