//! Graphs of several repositories.

use std::fs;
use std::path::Path;

use crate::program::{driver_in, err, exits, out};

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn several_repositories_are_one_graph() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("app/main.py", "from kit.saw import cut\n\ndef run():\n    return cut()\n"),
        ("tools/kit/__init__.py", ""),
        ("tools/kit/saw.py", "def cut():\n    return 1\n"),
        ("other/tools/x.py", "x = 1\n"),
        ("other/tools/lake/y.py", "y = 1\n"),
    ];
    write(folder.path(), &files);
    let driver = |arguments: &[&str]| driver_in(folder.path(), arguments);

    // Nobody can say whose lake it would be, or which of two the paths mean.
    let refused = driver(&["build", "app", "tools"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("--lake DIR"), "{}", err(&refused));
    let refused = driver(&["build", "app", "tools", "other/tools", "--lake", "lake"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("NAME="), "{}", err(&refused));
    let refused = driver(&["build", "app", "nowhere", "--lake", "lake"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("`nowhere` is not a folder"), "{}", err(&refused));
    assert!(driver(&["sql", "SELECT 1 FROM symbols", "--lake", "lake"]).status.code() != Some(0));

    // The lake is in one of them, and no part of it.
    let lake = "other/tools/.lake";
    exits(&driver(&["build", "app", "tools", "third=other/tools", "--lake", lake]), 0);
    exits(&driver(&["build", "app", "tools", "third=other/tools", "--lake", lake]), 0);
    let query = |query: &str| out(&driver(&["sql", query, "--lake", lake, "--format", "csv"])).to_owned();
    assert_eq!(
        query("SELECT caller, callee, path FROM calls"),
        "caller,callee,path\nmain.run,kit.saw.cut,app/main.py\n"
    );
    assert_eq!(
        query(
            "SELECT repository, count(*) AS modules FROM symbols WHERE kind = 'module' GROUP BY repository ORDER BY repository"
        ),
        "repository,modules\napp,1\nthird,2\ntools,2\n"
    );
    let expected =
        "path\napp/main.py\nthird/lake/y.py\nthird/x.py\ntools/kit/__init__.py\ntools/kit/saw.py\n";
    assert_eq!(query("SELECT path FROM extract.files ORDER BY path"), expected);
}
