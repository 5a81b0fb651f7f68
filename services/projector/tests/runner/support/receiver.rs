use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
    /// How often this key has come, with this time.
    pub(crate) attempt: usize,
    pub(crate) at: Instant,
}

impl Call {
    pub(crate) fn key(&self) -> &str {
        &self.headers["idempotency-key"]
    }

    /// What the request programs of these tests put there.
    pub(crate) fn subject(&self) -> &str {
        self.body["subject"].as_str().unwrap()
    }

    pub(crate) fn id(&self) -> &str {
        self.body["id"].as_str().unwrap()
    }
}

/// What a receiver does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Acts, unless it did under this key, and answers.
    Act(u16),
    /// Answers, and does nothing.
    Refuse(u16),
    /// Answers with headers and a body, and does nothing.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Acts, and cuts the connection before it answers.
    ActAndCut,
    /// Cuts the connection in the middle of its answer, and does nothing.
    CutInTheMiddle,
    /// Acts, and never answers.
    ActAndHang,
    /// Never answers, and does nothing.
    Hang,
    /// Acts, if it is to say so, and answers when it is told to.
    Wait(u16, Arc<Notify>),
}

/// What its token endpoint does.
#[derive(Default)]
struct Tokens {
    /// How long a token lives; none are asked for and none given when it is not set.
    life: Option<Duration>,
    /// It answers 503.
    down: bool,
    /// How often somebody asked for one.
    asked: usize,
    given: Vec<(String, Instant)>,
}

impl Tokens {
    /// The beginning of an answer, and its body.
    fn give(&mut self) -> (u16, String) {
        self.asked += 1;
        let Some(life) = self.life.filter(|_| !self.down) else {
            return (503, String::new());
        };
        let token = format!("token-{}", self.given.len());
        self.given.push((token.clone(), Instant::now()));
        let seconds = life.as_secs();
        (
            200,
            format!(
                "{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\",\"expires_in\":{seconds}}}"
            ),
        )
    }

    fn accept(&self, headers: &BTreeMap<String, String>) -> bool {
        let Some(life) = self.life else { return true };
        let shown = headers.get("authorization").map_or("", String::as_str);
        self.given
            .iter()
            .any(|(token, since)| shown == format!("Bearer {token}") && since.elapsed() < life)
    }
}

type Behaviour = dyn Fn(&Call) -> Reply + Send + Sync;

/// A receiver that keeps its keys, and counts for itself.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    state: Arc<State>,
    listening: Option<JoinHandle<()>>,
}

struct State {
    tokens: Mutex<Tokens>,
    behaviour: Mutex<Arc<Behaviour>>,
    calls: Mutex<Vec<Call>>,
    attempts: Mutex<HashMap<String, usize>>,
    effects: Mutex<Vec<(String, Call)>>,
}

impl Receiver {
    /// One that acts and says so.
    pub(crate) async fn start() -> Self {
        Self::behaving(|_| Reply::Act(200)).await
    }

    pub(crate) async fn behaving(
        behaviour: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            tokens: Mutex::default(),
            behaviour: Mutex::new(Arc::new(behaviour)),
            calls: Mutex::default(),
            attempts: Mutex::default(),
            effects: Mutex::default(),
        });
        let listening = Some(tokio::spawn(listen(listener, Arc::clone(&state))));
        Self {
            port,
            state,
            listening,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Behaves like this from here on.
    pub(crate) fn behave(&self, behaviour: impl Fn(&Call) -> Reply + Send + Sync + 'static) {
        *self.state.behaviour.lock().unwrap() = Arc::new(behaviour);
    }

    /// Wants tokens from here on, which live so long.
    pub(crate) fn want_tokens(&self, life: Duration) {
        self.state.tokens.lock().unwrap().life = Some(life);
    }

    /// How many tokens were given.
    pub(crate) fn tokens_given(&self) -> usize {
        self.state.tokens.lock().unwrap().given.len()
    }

    /// How often tokens were asked for.
    pub(crate) fn tokens_asked(&self) -> usize {
        self.state.tokens.lock().unwrap().asked
    }

    /// Its token endpoint gives none, or does again.
    pub(crate) fn give_tokens(&self, give: bool) {
        self.state.tokens.lock().unwrap().down = !give;
    }

    /// Takes all tokens back.
    pub(crate) fn revoke_tokens(&self) {
        let mut tokens = self.state.tokens.lock().unwrap();
        tokens
            .given
            .iter_mut()
            .for_each(|(token, _)| token.push_str(" revoked"));
    }

    /// Nobody listens there any more.
    pub(crate) fn go_down(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
        }
    }

    pub(crate) async fn come_back(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.listening = Some(tokio::spawn(listen(listener, Arc::clone(&self.state))));
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.calls.lock().unwrap().clone()
    }

    /// What took effect: the first call under each key that it acted on, in order.
    pub(crate) fn effects(&self) -> Vec<Call> {
        let effects = self.state.effects.lock().unwrap();
        effects.iter().map(|(_, call)| call.clone()).collect()
    }

    /// The ids that took effect, by subject, in order.
    pub(crate) fn effects_by_subject(&self) -> BTreeMap<String, Vec<String>> {
        let mut by_subject: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for call in self.effects() {
            let ids = by_subject.entry(call.subject().to_owned()).or_default();
            ids.push(call.id().to_owned());
        }
        by_subject
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.go_down();
    }
}

async fn listen(listener: TcpListener, state: Arc<State>) {
    // Connections end with the listener: it is the whole receiver that goes down.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let _broken = serve(stream, &state).await;
        });
    }
}

async fn serve(stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(mut call) = read(&mut stream).await? {
        if call.path == "/token" {
            let (status, body) = state.tokens.lock().unwrap().give();
            answer(&mut stream, status, &[], &body).await?;
            continue;
        }
        if !state.tokens.lock().unwrap().accept(&call.headers) {
            answer(&mut stream, 401, &[], "").await?;
            continue;
        }
        let key = call.key().to_owned();
        {
            let mut attempts = state.attempts.lock().unwrap();
            let attempt = attempts.entry(key.clone()).or_default();
            *attempt += 1;
            call.attempt = *attempt;
        }
        state.calls.lock().unwrap().push(call.clone());
        let behaviour = Arc::clone(&state.behaviour.lock().unwrap());
        let reply = behaviour(&call);
        let act = || {
            let mut effects = state.effects.lock().unwrap();
            if !effects.iter().any(|(known, _)| *known == key) {
                effects.push((key.clone(), call.clone()));
            }
        };
        match reply {
            Reply::Act(status) => {
                act();
                answer(&mut stream, status, &[], "{\"ok\":true}").await?;
            }
            Reply::Refuse(status) => answer(&mut stream, status, &[], "{\"ok\":false}").await?,
            Reply::Answer(status, headers, body) => {
                answer(&mut stream, status, &headers, &body).await?;
            }
            Reply::ActAndCut => {
                act();
                return Ok(());
            }
            Reply::CutInTheMiddle => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of")
                    .await?;
                return Ok(());
            }
            Reply::ActAndHang => {
                act();
                std::future::pending::<()>().await;
            }
            Reply::Hang => std::future::pending::<()>().await,
            Reply::Wait(status, told) => {
                if status < 300 {
                    act();
                }
                told.notified().await;
                answer(&mut stream, status, &[], "{\"ok\":true}").await?;
            }
        }
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Call>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, path) = (
        words.next().unwrap().to_owned(),
        words.next().unwrap().to_owned(),
    );
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Call {
        method,
        path,
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        attempt: 0,
        at: Instant::now(),
    }))
}

async fn answer(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    headers: &[(&'static str, String)],
    body: &str,
) -> std::io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.flush().await
}
