//! Packages from the outside: what is accepted, what is refused, and what is left on disk.

use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

/// What goes into a zip under a name.
enum Content<'a> {
    File(u32, &'a [u8]),
    Directory,
    Link(&'a str),
}
use Content::{Directory, File, Link};

fn zip_of(entries: &[(&str, Content<'_>)]) -> Bytes {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in entries {
        match content {
            File(mode, bytes) => {
                writer.start_file(*name, options.unix_permissions(*mode)).unwrap();
                writer.write_all(bytes).unwrap();
            }
            Directory => writer.add_directory(*name, options).unwrap(),
            Link(target) => writer.add_symlink(*name, *target, options).unwrap(),
        }
    }
    writer.finish().unwrap().into_inner().into()
}

fn small_zip(text: &str) -> Bytes {
    zip_of(&[("index.js", File(0o644, text.as_bytes()))])
}

/// The same zip with every `from` replaced: zip writers refuse to write what must be refused when read.
fn patched(zip: &Bytes, from: &[u8], to: &[u8]) -> Bytes {
    assert_eq!(from.len(), to.len());
    let mut bytes = zip.to_vec();
    let mut found = 0;
    for start in 0..=bytes.len() - from.len() {
        if bytes[start..].starts_with(from) {
            bytes[start..start + from.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "nothing to patch");
    bytes.into()
}

async fn packages() -> (TempDir, Packages) {
    let directory = tempfile::tempdir().unwrap();
    let packages = Packages::open(directory.path(), Tasks::new()).await.unwrap();
    (directory, packages)
}

fn files_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Asserts that this zip is refused for such a reason and that nothing of it is left.
async fn assert_refused(zip: Bytes, because: &str) {
    let (directory, packages) = packages().await;
    let outcome = packages.put_zip(zip).await;
    let Err(PackageError::CannotUnzip(reason)) = &outcome else { panic!("{because}: {outcome:?}") };
    assert!(reason.contains(because), "{reason:?} does not say {because:?}");
    assert_nothing_left(directory.path());
}

fn assert_nothing_left(directory: &Path) {
    assert_eq!(files_in(&directory.join("zips")), [""; 0]);
    assert_eq!(files_in(&directory.join("temporary")), [""; 0]);
    let boots = files_in(&directory.join("trees"));
    assert_eq!(files_in(&directory.join("trees").join(&boots[0])), [""; 0]);
}

#[tokio::test]
async fn a_package_is_kept_and_unpacked() {
    let (directory, packages) = packages().await;
    let zip = zip_of(&[
        ("lib/", Directory),
        ("lib/deep/code.py", File(0o600, b"print(1)")),
        ("bootstrap", File(0o700, b"#!/bin/sh")),
        ("./again//./x", File(0o444, b"x")),
        ("lib/latest", Link("deep/../deep/code.py")),
        ("back\\slash", File(0o644, b"")),
    ]);
    let stored = packages.put_zip(zip.clone()).await.unwrap();
    let package = &stored.package;
    assert_eq!((package.size_bytes, package.unpacked_bytes), (zip.len() as u64, 18));
    assert_eq!(package.sha256_base64.len(), 44);
    assert_eq!(packages.read_zip(&package.key).await.unwrap(), zip);

    let tree = packages.unpacked(&package.key).await.unwrap();
    assert_eq!(files_in(&tree), ["again", "back\\slash", "bootstrap", "lib"]);
    assert_eq!(fs::read(tree.join("lib/latest")).unwrap(), b"print(1)");
    let mode = |path: &str| fs::metadata(tree.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(["", "lib", "lib/deep", "again"].map(mode), [0o755; 4]);
    assert_eq!(["bootstrap", "lib/deep/code.py", "again/x"].map(mode), [0o755, 0o644, 0o644]);
    assert_eq!(files_in(&directory.path().join("temporary")), [""; 0]);
}

#[tokio::test]
async fn the_same_upload_is_kept_once_and_survives_a_new_start() {
    let (directory, packages) = packages().await;
    let first = packages.put_zip(small_zip("1")).await.unwrap().package;
    let again = packages.put_zip(small_zip("1")).await.unwrap().package;
    assert_eq!(first, again);
    assert_eq!(files_in(&directory.path().join("zips")), [first.key.as_str()]);

    fs::write(directory.path().join("temporary/half"), "written").unwrap();
    fs::create_dir_all(directory.path().join("trees/another-boot/x")).unwrap();
    let reopened = Packages::open(directory.path(), Tasks::new()).await.unwrap();
    assert_eq!(files_in(&directory.path().join("temporary")), [""; 0]);
    assert_eq!(files_in(&directory.path().join("trees")).len(), 1);
    assert_eq!(reopened.read_zip(&first.key).await.unwrap(), small_zip("1"));
    let tree = reopened.unpacked(&first.key).await.unwrap();
    assert_eq!(fs::read(tree.join("index.js")).unwrap(), b"1");
}

#[tokio::test]
async fn a_lost_tree_is_unpacked_once_for_all_who_wait() {
    let (directory, packages) = packages().await;
    let key = packages.put_zip(small_zip("1")).await.unwrap().package.key;
    let tree = packages.unpacked(&key).await.unwrap();
    fs::remove_dir_all(&tree).unwrap();
    let before = packages.inner.blobs.temporary_paths_used();
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let (packages, key) = (packages.clone(), key.clone());
            Tasks::new().spawn("unpack", async move { packages.unpacked(&key).await })
        })
        .collect();
    for waiter in waiting {
        assert_eq!(waiter.await.unwrap(), Ok(tree.clone()));
    }
    assert_eq!(packages.inner.blobs.temporary_paths_used() - before, 1);
    assert_eq!(fs::read(tree.join("index.js")).unwrap(), b"1");
    assert_eq!(files_in(&directory.path().join("temporary")), [""; 0]);
}

#[tokio::test]
async fn what_is_missing_or_damaged_is_said_to_be() {
    let (directory, packages) = packages().await;
    let absent = PackageKey::parse(&"0".repeat(64)).unwrap();
    assert_eq!(packages.unpacked(&absent).await, Err(PackageError::NotFound(absent.clone())));
    assert_eq!(packages.read_zip(&absent).await, Err(PackageError::NotFound(absent)));

    let key = packages.put_zip(small_zip("1")).await.unwrap().package.key;
    fs::remove_dir_all(packages.unpacked(&key).await.unwrap()).unwrap();
    fs::write(directory.path().join("zips").join(key.as_str()), small_zip("2")).unwrap();
    assert_eq!(packages.unpacked(&key).await, Err(PackageError::Damaged(key.clone())));
    // Uploading it again mends it.
    packages.put_zip(small_zip("1")).await.unwrap();
    assert_eq!(packages.read_zip(&key).await.unwrap(), small_zip("1"));
}

#[test]
fn only_hashes_name_packages() {
    for text in ["", "../../etc/passwd", &"g".repeat(64), &"A".repeat(64), &"a".repeat(65)] {
        assert!(PackageKey::parse(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_zip_is_refused() {
    assert_refused(Bytes::from_static(b"not a zip"), "").await;
    let whole = small_zip("some text that is long enough to be cut");
    assert_refused(whole.slice(..whole.len() / 2), "").await;
    assert_refused(whole.slice(whole.len() / 2..), "").await;
}

#[tokio::test]
async fn a_changed_byte_is_noticed() {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("a", stored).unwrap();
    writer.write_all(b"sixteen letters!").unwrap();
    let zip = writer.finish().unwrap().into_inner().into();
    assert_refused(patched(&zip, b"sixteen", b"Sixteen"), "checksum").await;
}

#[tokio::test]
async fn an_empty_package_is_refused() {
    let (directory, packages) = packages().await;
    for empty in [Bytes::new(), zip_of(&[])] {
        assert_eq!(packages.put_zip(empty).await.unwrap_err(), PackageError::Empty);
    }
    assert_nothing_left(directory.path());
}

#[tokio::test]
async fn names_that_lead_outside_are_refused() {
    for (name, because) in
        [("../outside", "leads out"), ("a/../../b", "leads out"), ("/absolute", "absolute")]
    {
        // The writer normalizes names, so the bad one is put in its place afterwards.
        let placeholder = "p".repeat(name.len());
        let zip = zip_of(&[(&placeholder, File(0o644, b"x"))]);
        assert_refused(patched(&zip, placeholder.as_bytes(), name.as_bytes()), because).await;
    }
    let nul = zip_of(&[("nul_byte", File(0o644, b"x"))]);
    assert_refused(patched(&nul, b"nul_byte", b"nul\0byte"), "NUL").await;
    assert_refused(zip_of(&[(&"n".repeat(256), File(0o644, b""))]), "too long").await;
    assert_refused(zip_of(&[(&"n/".repeat(1_100), Directory)]), "too long").await;
}

#[tokio::test]
async fn entries_that_get_in_each_others_way_are_refused() {
    let same = zip_of(&[("one", File(0o644, b"1")), ("two", File(0o644, b"2"))]);
    assert_refused(patched(&same, b"two", b"one"), "same name").await;
    let same_path = zip_of(&[("a/b", File(0o644, b"1")), ("a/.b", File(0o644, b"2"))]);
    assert_refused(patched(&same_path, b"a/.b", b"a//b"), "same name").await;
    let below = zip_of(&[("a", File(0o644, b"1")), ("a/b", File(0o644, b"2"))]);
    assert_refused(below, "below a file").await;
    let through = zip_of(&[("d/", Directory), ("l", Link("d")), ("l/b", File(0o644, b"2"))]);
    assert_refused(through, "below a file or a link").await;
}

#[tokio::test]
async fn entries_that_share_their_bytes_are_refused() {
    let zip = zip_of(&[("one", File(0o644, b"1")), ("two", File(0o644, b"1"))]);
    // The second header of the central directory is made to point where the first one does (APPNOTE 4.3.12).
    let second = zip.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    let mut overlapping = zip.to_vec();
    overlapping[second + 42..second + 46].fill(0);
    assert_refused(overlapping.into(), "overlap").await;
}

#[tokio::test]
async fn links_that_lead_outside_are_refused() {
    for target in ["/etc/passwd", "..", "../x", "a/../../x", "d/../../x"] {
        let zip = zip_of(&[("d/", Directory), ("link", Link(target))]);
        assert_refused(zip, "leads out").await;
    }
    // Harmless each, but the second goes up from where the first one leads.
    let together = [("a/b/c/up", Link("../../..")), ("out", Link("a/b/c/up/.."))];
    assert_refused(zip_of(&together), "leads out").await;
    assert_refused(zip_of(&[("l", Link("m")), ("m", Link("l"))]), "too far").await;
    assert_refused(zip_of(&[("l", Link(&"x/".repeat(600)))]), "too long").await;
}

#[tokio::test]
async fn links_that_stay_inside_are_kept() {
    let (_directory, packages) = packages().await;
    let zip = zip_of(&[
        ("bin/tool", Link("../lib/tool.js")),
        ("lib/tool.js", File(0o755, b"tool")),
        ("all", Link(".")),
        ("dangling", Link("nowhere/at/all")),
    ]);
    let key = packages.put_zip(zip).await.unwrap().package.key;
    let tree = packages.unpacked(&key).await.unwrap();
    assert_eq!(fs::read(tree.join("all/bin/tool")).unwrap(), b"tool");
    assert_eq!(fs::read_link(tree.join("dangling")).unwrap(), Path::new("nowhere/at/all"));
}

#[tokio::test]
async fn devices_are_refused() {
    // The upper half of the external attributes is the mode: a file's becomes a character device's.
    let zip = zip_of(&[("null", File(0o644, b""))]);
    let (file, device) = (0o100_644_u32 << 16, 0o020_644_u32 << 16);
    assert_refused(patched(&zip, &file.to_le_bytes(), &device.to_le_bytes()), "neither file").await;
}

#[tokio::test]
async fn a_bomb_is_stopped_by_what_comes_out_of_it() {
    let (directory, packages) = packages().await;
    let chunk = vec![0; 8 << 20];
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..2 {
        writer.start_file(format!("zeros{index}"), SimpleFileOptions::default()).unwrap();
        for _ in 0..17 {
            writer.write_all(&chunk).unwrap();
        }
    }
    let zip: Bytes = writer.finish().unwrap().into_inner().into();
    assert!(zip.len() < 1 << 20);
    // Both headers of each file declare 16 bytes instead of 136 MiB.
    let lying = patched(&zip, &(136_u32 << 20).to_le_bytes(), &16_u32.to_le_bytes());
    assert_eq!(packages.put_zip(zip).await.unwrap_err(), PackageError::UnzippedTooLarge);
    assert_eq!(packages.put_zip(lying).await.unwrap_err(), PackageError::UnzippedTooLarge);
    assert_nothing_left(directory.path());
}

#[tokio::test]
async fn too_many_entries_and_too_large_zips_are_refused() {
    let (directory, packages) = packages().await;
    let large = Bytes::from(vec![0; usize::try_from(ZIPPED_BYTES_MAX).unwrap() + 1]);
    assert_eq!(packages.put_zip(large).await.unwrap_err(), PackageError::ZippedTooLarge);
    assert_nothing_left(directory.path());
    // Few entries, but each stands for a thousand directories.
    let names: Vec<String> = (0..70).map(|index| format!("{index}/{}", "d/".repeat(1_000))).collect();
    let deep: Vec<_> = names.iter().map(|name| (name.as_str(), Directory)).collect();
    assert_refused(zip_of(&deep), "more than 65536").await;
}

#[tokio::test]
async fn a_sweep_removes_what_nobody_refers_to_or_holds() {
    let (directory, packages) = packages().await;
    let referenced = packages.put_zip(small_zip("referenced")).await.unwrap().package.key;
    let orphan = packages.put_zip(small_zip("orphan")).await.unwrap().package.key;
    let held = packages.put_zip(small_zip("held")).await.unwrap();
    let late_zip = small_zip("late");
    let late = packages.put_zip(late_zip.clone()).await.unwrap().package.key;
    let answer = async {
        // Uploaded again, and its record committed, after the sweep asked.
        packages.put_zip(late_zip).await?;
        Ok::<_, PackageError>(HashSet::from([referenced.clone()]))
    };
    assert_eq!(packages.sweep(answer).await, Ok(1));
    assert_eq!(packages.unpacked(&orphan).await, Err(PackageError::NotFound(orphan.clone())));
    assert_eq!(packages.read_zip(&orphan).await, Err(PackageError::NotFound(orphan)));
    for kept in [&referenced, &held.package.key, &late] {
        packages.unpacked(kept).await.unwrap();
        packages.read_zip(kept).await.unwrap();
    }
    let nothing = || async { Ok::<_, PackageError>(HashSet::new()) };
    assert_eq!(packages.sweep(nothing()).await, Ok(2), "the late one is an orphan by now");
    drop(held);
    assert_eq!(packages.sweep(nothing()).await, Ok(1));
    assert_nothing_left(directory.path());
}

#[tokio::test]
async fn one_package_is_removed_unless_somebody_needs_it() {
    let (_directory, packages) = packages().await;
    let stored = packages.put_zip(small_zip("1")).await.unwrap();
    let key = &stored.package.key;
    let says = |referenced| async move { Ok::<_, PackageError>(referenced) };
    assert_eq!(packages.remove(key, says(false)).await, Ok(false), "pinned");
    drop(stored.pin);
    assert_eq!(packages.remove(key, says(true)).await, Ok(false), "referenced");
    let failing = async { Err(PackageError::Io("the store is away".to_owned())) };
    assert!(packages.remove(key, failing).await.is_err());
    assert!(packages.unpacked(key).await.is_ok());
    assert_eq!(packages.remove(key, says(false)).await, Ok(true));
    assert_eq!(packages.remove(key, says(false)).await, Ok(false), "gone already");
    assert_eq!(packages.unpacked(key).await, Err(PackageError::NotFound(key.clone())));
}

#[tokio::test]
async fn removing_a_tree_does_not_follow_its_links() {
    let (directory, packages) = packages().await;
    let stored = packages.put_zip(small_zip("1")).await.unwrap();
    let outside = directory.path().join("outside");
    fs::write(&outside, "precious").unwrap();
    let tree = packages.unpacked(&stored.package.key).await.unwrap();
    symlink(directory.path(), tree.join("planted")).unwrap();
    let key = stored.package.key.clone();
    drop(stored);
    assert_eq!(packages.remove(&key, async { Ok::<_, PackageError>(false) }).await, Ok(true));
    assert_eq!(fs::read(outside).unwrap(), b"precious");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(200))]

    /// Whatever is done to a zip's bytes: it is refused, or it unpacks to files inside its own tree.
    #[test]
    fn a_mutilated_zip_is_refused_or_harmless(
        changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()), 1..12),
        cut in proptest::prelude::any::<proptest::sample::Index>(),
        whether_to_cut in proptest::prelude::any::<bool>(),
    ) {
        let good = zip_of(&[
            ("dir/", Directory),
            ("dir/index.py", File(0o755, b"def handler(event, context): return event")),
            ("link", Link("dir/index.py")),
        ]);
        let mut bytes = good.to_vec();
        for (at, value) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        if whether_to_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let outside = tempfile::tempdir().unwrap();
            let packages = Packages::open(&outside.path().join("packages"), Tasks::new()).await.unwrap();
            if let Ok(stored) = packages.put_zip(bytes.into()).await {
                let tree = packages.unpacked(&stored.package.key).await.unwrap();
                let root = tree.canonicalize().unwrap();
                for name in files_in(&tree) {
                    let Ok(real) = tree.join(&name).canonicalize() else { continue };
                    assert!(real.starts_with(&root), "{name} leads to {}", real.display());
                }
            }
            // Nothing may have appeared beside the packages' own directory.
            assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        });
    }
}
