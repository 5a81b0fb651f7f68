//! A process of a test: started, frozen, woken, killed, and never left behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How many lines of a log are shown when a scenario fails.
const SHOWN_LINES: usize = 40;

/// How long an end may take. Stopping in an orderly way is bounded to 20 s by the hub.
const END_LIMIT: Duration = Duration::from_secs(60);

/// A running process. Dropped, it is killed; dropped by a scenario that fails, the end
/// of its log is shown.
#[derive(Debug)]
pub struct Process {
    label: String,
    child: Child,
    log: PathBuf,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts a program whose output goes to a file. The program ends with the thread
    /// that calls this, even when that one is killed.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(label: &str, mut command: Command, log: &Path) -> Self {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log can be written");
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file can be shared"))
            .stderr(output);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{label} does not start: {error}"));
        Self {
            label: label.to_owned(),
            child,
            log: log.to_owned(),
            status: None,
        }
    }

    /// What it is called.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its number in the system.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops it where it stands (SIGSTOP), and returns when it stands.
    ///
    /// # Panics
    /// When it has ended.
    pub fn freeze(&mut self) {
        self.assert_running();
        self.signal("STOP");
        let deadline = Instant::now() + Duration::from_secs(5);
        while !self.is_frozen() {
            assert!(Instant::now() < deadline, "{} does not freeze", self.label);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets it go on (SIGCONT).
    pub fn wake(&mut self) {
        self.signal("CONT");
    }

    /// Kills it (SIGKILL), frozen or not, and returns when it is gone.
    pub fn kill(&mut self) {
        if self.status.is_none() {
            self.child.kill().expect("a child can be killed");
            self.status = Some(self.child.wait().expect("a child can be waited for"));
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("there is kill");
        assert!(sent.success(), "{} does not take SIG{name}", self.label);
    }

    /// Asks it to stop (SIGTERM) and waits for that.
    ///
    /// # Panics
    /// When it has ended before, or does not end well within a minute.
    pub async fn stop(&mut self) {
        self.assert_running();
        self.signal("TERM");
        let status = self.ended().await;
        assert!(status.success(), "{} stopped badly: {status}", self.label);
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it does not within a minute.
    pub async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + END_LIMIT;
        loop {
            if let Some(status) = self.exit_status() {
                return status;
            }
            assert!(Instant::now() < deadline, "{} does not end", self.label);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Fails when it has ended.
    ///
    /// # Panics
    /// When it has ended.
    pub fn assert_running(&mut self) {
        let status = self.exit_status();
        assert!(status.is_none(), "{} has ended: {status:?}", self.label);
    }

    /// Everything that it wrote.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How it ended, if it has.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("a child can be looked at");
        }
        self.status
    }

    /// The most memory that it has had at once, in bytes (`VmHWM`).
    #[must_use]
    pub fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
        kilobytes.unwrap_or(0) * 1024
    }

    /// Whether it stands where it was stopped.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.state() == Some('T')
    }

    fn state(&self) -> Option<char> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        stat.rsplit_once(')')?.1.trim_start().chars().next()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.status.is_none() {
            let _gone_already = self.child.kill();
            let _reaped = self.child.wait();
        }
        if std::thread::panicking() && !crate::attack::fails_silently() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let from = lines.len().saturating_sub(SHOWN_LINES);
            eprintln!(
                "--- {}, the end of its log:\n{}\n---",
                self.label,
                lines[from..].join("\n")
            );
        }
    }
}

/// A command for a program that the kernel ends with that signal when the thread that
/// started it ends, so that a killed test leaves nothing running.
#[must_use]
pub fn tied(program: &Path, signal: &str) -> Command {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    let available = *AVAILABLE.get_or_init(|| {
        Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "true"])
            .status()
            .is_ok_and(|status| status.success())
    });
    if !available {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal]).arg(program);
    command
}
