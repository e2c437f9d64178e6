//! Every source file is declared as a module: a file without a declaration is never compiled.

use std::path::Path;

use super::{root, sources};

#[test]
fn every_file_is_a_module() {
    let all = sources(&root().join("src"));
    for (path, _) in &all {
        let (name, home) = name_and_home(path);
        if ["lib", "main"].contains(&name) {
            continue;
        }
        let declarations = [
            format!("mod {name};"),
            format!("mod {name} {{"),
            format!("#[path = \"{name}.rs\"]"),
        ];
        let is_declared = all.iter().any(|(other, text)| {
            let is_near = other.parent() == Some(home) || other.with_extension("") == *home;
            is_near && declarations.iter().any(|it| text.contains(it))
        });
        assert!(
            is_declared,
            "{} is compiled nowhere: declare `mod {name};` in its folder's module",
            path.display()
        );
    }
}

/// A module's name, and the folder that holds or sits next to its declaration.
fn name_and_home(path: &Path) -> (&str, &Path) {
    let folder = path.parent().unwrap();
    match path.file_stem().unwrap().to_str().unwrap() {
        "mod" => (
            folder.file_name().unwrap().to_str().unwrap(),
            folder.parent().unwrap(),
        ),
        stem => (stem, folder),
    }
}
