//! How much memory this process may use.

use std::fs;

/// Bytes available without swapping: what the system reports, or what the control group still allows if that is
/// less. Nothing where neither can be read.
pub(crate) fn available_memory() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok().and_then(|text| meminfo(&text));
    [system, control_group()].into_iter().flatten().min()
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The most memory this process has had, in bytes, where the system tells.
pub(crate) fn process_peak() -> Option<u64> {
    status("VmHWM:")
}

/// The memory this process has, in bytes, where the system tells.
pub(crate) fn process_now() -> Option<u64> {
    status("VmRSS:")
}

/// A size in `/proc/self/status`, in bytes.
fn status(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// What the memory limit of the control group (version 2, else 1) leaves.
fn control_group() -> Option<u64> {
    let number = |path: &str| fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok());
    let version_2 = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current");
    let version_1 =
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes");
    [version_2, version_1].into_iter().find_map(|(limit, used)| {
        let limit = number(limit)?;
        Some(limit.saturating_sub(number(used).unwrap_or(0)))
    })
}

#[cfg(test)]
mod tests {
    use super::meminfo;

    #[test]
    fn available_memory_is_read_in_kibibytes() {
        assert_eq!(meminfo("MemTotal: 8 kB\nMemAvailable:    16309 kB\n"), Some(16309 * 1024));
        assert_eq!(meminfo("MemTotal: 8 kB\n"), None);
    }
}
