//! That temporary files give back what was written to them, within their limit.

use futures::TryStreamExt as _;

use super::*;

fn files(limit: u64) -> (tempfile::TempDir, Arc<SpillSpace>) {
    let folder = tempfile::tempdir().unwrap();
    let space = SpillSpace::new(Some(folder.path()), Some(limit)).unwrap();
    (folder, space)
}

/// Bytes that cannot be compressed, others for each seed.
pub(super) fn content(count: usize, seed: u8) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D ^ u64::from(seed);
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(&mut byte).take(count).collect()
}

#[tokio::test]
async fn files_written_at_the_same_time_are_read_as_they_were_written() {
    let (folder, space) = files(1 << 30);
    let factory = SpillFiles(Arc::clone(&space));
    let sizes = [0, 1, EXTENT, EXTENT + 1, 3 * EXTENT + 77];
    let files: Vec<_> = sizes.iter().map(|_| factory.create_temp_file("test").unwrap()).collect();
    let mut writers: Vec<_> = files.iter().map(|file| file.open_writer().unwrap()).collect();
    let step = 1000;
    for from in (0..4 * EXTENT).step_by(step) {
        for (seed, (writer, size)) in writers.iter_mut().zip(sizes).enumerate() {
            let whole = content(size, seed as u8);
            let to = (from + step).min(size);
            writer.write_all(whole.get(from..to).unwrap_or_default()).unwrap();
        }
    }
    for writer in &mut writers {
        writer.finish().unwrap();
    }
    for (seed, (file, size)) in files.iter().zip(sizes).enumerate() {
        let chunks: Vec<Bytes> = file.read_stream().unwrap().try_collect().await.unwrap();
        assert_eq!(chunks.concat(), content(size, seed as u8));
        // A block has a header.
        assert_eq!(file.size(), Some((size + 8 * size.div_ceil(BLOCK)) as u64));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    let peak = space.usage().peak_bytes;
    drop((files, writers));
    assert_eq!(space.usage().used_bytes, 0);
    // What is free is used again.
    let again = factory.create_temp_file("test").unwrap();
    let mut writer = again.open_writer().unwrap();
    writer.write_all(&content(4 * EXTENT, 9)).unwrap();
    writer.finish().unwrap();
    assert_eq!(space.usage().peak_bytes, peak);
    let chunks: Vec<Bytes> = again.read_stream().unwrap().try_collect().await.unwrap();
    assert_eq!(chunks.concat(), content(4 * EXTENT, 9));
}

#[tokio::test]
async fn a_reader_keeps_what_it_reads() {
    let (_folder, space) = files(1 << 30);
    let factory = SpillFiles(space);
    let file = factory.create_temp_file("test").unwrap();
    let mut writer = file.open_writer().unwrap();
    writer.write_all(&content(2 * EXTENT, 1)).unwrap();
    writer.finish().unwrap();
    let reading = file.read_stream().unwrap();
    drop((file, writer));
    let other = factory.create_temp_file("test").unwrap();
    let mut writer = other.open_writer().unwrap();
    writer.write_all(&content(2 * EXTENT, 2)).unwrap();
    let chunks: Vec<Bytes> = reading.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), content(2 * EXTENT, 1));
}

#[test]
fn the_limit_holds_and_is_named() {
    let (folder, space) = files(3 * EXTENT as u64);
    let factory = SpillFiles(space);
    let file = factory.create_temp_file("test").unwrap();
    let mut writer = file.open_writer().unwrap();
    writer.write_all(&content(2 * EXTENT, 1)).unwrap();
    let error = writer.write_all(&content(EXTENT, 1)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
    assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
}

#[tokio::test]
async fn what_fills_the_space_is_compressed() {
    let size = 12 * EXTENT;
    for (limit, least, most) in [(1 << 30, size, size + EXTENT), (16 * EXTENT, 3 * EXTENT, 6 * EXTENT)] {
        let (_folder, space) = files(limit as u64);
        let file = SpillFiles(Arc::clone(&space)).create_temp_file("test").unwrap();
        let mut writer = file.open_writer().unwrap();
        writer.write_all(&vec![7; size]).unwrap();
        writer.finish().unwrap();
        let written = usize::try_from(space.usage().written_bytes).unwrap();
        assert!((least..most).contains(&written), "{written} with a limit of {limit}");
        let chunks: Vec<Bytes> = file.read_stream().unwrap().try_collect().await.unwrap();
        assert!(chunks.concat() == vec![7; size]);
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SpillSpace::new(Some(&file.join("below")), None).unwrap_err();
    assert!(error.to_string().contains("below"), "{error}");
}
