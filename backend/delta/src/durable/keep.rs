//! Small files that have to be there after a power cut: the records of runs.

use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{Disk, Surviving};

impl Disk {
    /// Writes files that must not exist into a folder, which is made if need be: each of them all or nothing, and visible
    /// under its name only when all of them are durable. When this returns, their names are too, and the folders above.
    ///
    /// # Errors
    /// Those of the file system; [`io::ErrorKind::AlreadyExists`] when a name is taken.
    pub async fn keep_files(&self, folder: &Path, files: Vec<(String, Vec<u8>)>) -> io::Result<()> {
        let staged: Vec<(PathBuf, PathBuf)> = files
            .iter()
            .map(|(name, _)| folder.join(name))
            .map(|path| (path.with_extension(format!("{}.partial", Uuid::new_v4())), path))
            .collect();
        let temporary: Vec<PathBuf> = staged.iter().map(|(temporary, _)| temporary.clone()).collect();
        let kept = self.keep_staged(folder.to_path_buf(), staged, files).await;
        for temporary in temporary {
            // A name nobody looks for; and when it was never written, there is none.
            let _ = self.unlink(&temporary);
        }
        Ok(self.sync(kept?).await?)
    }

    /// Writes and links; gives the names that are there now.
    async fn keep_staged(
        &self,
        folder: PathBuf,
        staged: Vec<(PathBuf, PathBuf)>,
        files: Vec<(String, Vec<u8>)>,
    ) -> io::Result<Surviving> {
        let disk = self.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let mut surviving = Surviving::default();
            disk.create_folders(&folder)?;
            disk.settle(&folder, &mut surviving)?;
            for ((temporary, _), (_, bytes)) in staged.iter().zip(&files) {
                disk.write(temporary, bytes)?;
                surviving.content(temporary.clone());
            }
            Ok::<_, io::Error>((staged, surviving))
        });
        let (staged, surviving) = writing.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))?;
        self.sync(surviving).await?;
        let mut names = Surviving::default();
        for (temporary, path) in staged {
            self.link(&temporary, &path)?;
            names.name(path);
        }
        Ok(names)
    }
}
