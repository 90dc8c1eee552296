//! `/opt` out of several layers, as a directory of links.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Makes what is seen as `/opt`: a layer itself when there is one alone, otherwise `merged`, filled with links.
/// A later layer's file hides an earlier one's; directories are united.
pub(super) fn merge(layers: &[PathBuf], merged: &Path) -> io::Result<PathBuf> {
    if let [layer] = layers {
        return layer.canonicalize();
    }
    std::fs::create_dir(merged)?;
    let layers = layers.iter().map(|layer| layer.canonicalize()).collect::<io::Result<Vec<_>>>()?;
    unite(&layers, merged)?;
    Ok(merged.to_owned())
}

fn unite(sources: &[PathBuf], target: &Path) -> io::Result<()> {
    let mut entries: BTreeMap<OsString, Vec<PathBuf>> = BTreeMap::new();
    for source in sources {
        for entry in std::fs::read_dir(source)? {
            let entry = entry?;
            let versions = entries.entry(entry.file_name()).or_default();
            if !entry.file_type()?.is_dir() || versions.last().is_some_and(|earlier| !is_directory(earlier)) {
                versions.clear();
            }
            versions.push(entry.path());
        }
    }
    for (name, versions) in entries {
        let target = target.join(name);
        if let [version] = versions.as_slice() {
            symlink(version, &target)?;
        } else {
            std::fs::create_dir(&target)?;
            unite(&versions, &target)?;
        }
    }
    Ok(())
}

/// Whether it is a directory itself, not a link to one.
fn is_directory(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        directory
    }

    #[test]
    fn a_later_layer_hides_files_and_unites_directories() {
        let first = layer(&[("python/a.py", "1"), ("python/b.py", "1"), ("bin", "1"), ("lib/x", "1")]);
        let second = layer(&[("python/b.py", "2"), ("bin/tool", "2"), ("lib", "2")]);
        let target = tempfile::tempdir().unwrap();
        let layers = [first.path().to_owned(), second.path().to_owned()];

        let opt = merge(&layers, &target.path().join("opt")).unwrap();

        let read = |path| std::fs::read_to_string(opt.join(path)).unwrap();
        assert_eq!(read("python/a.py"), "1");
        assert_eq!(read("python/b.py"), "2");
        assert_eq!(read("bin/tool"), "2");
        assert_eq!(read("lib"), "2");
    }

    #[test]
    fn a_single_layer_is_used_as_it_is_and_none_is_an_empty_directory() {
        let only = layer(&[("x", "1")]);
        let target = tempfile::tempdir().unwrap();
        let merged = target.path().join("opt");
        assert_eq!(merge(&[only.path().to_owned()], &merged).unwrap(), only.path().canonicalize().unwrap());
        let empty = merge(&[], &merged).unwrap();
        assert_eq!(std::fs::read_dir(empty).unwrap().count(), 0);
    }
}
