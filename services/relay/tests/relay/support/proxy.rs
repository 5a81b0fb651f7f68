use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::Hub;

/// A wire to the database that can be cut and mended.
pub(crate) struct Proxy {
    port: u16,
    cut: Arc<AtomicBool>,
    wires: Arc<std::sync::Mutex<CancellationToken>>,
}

impl Proxy {
    /// A wire to the hub's database, and the URL that goes through it.
    pub(crate) async fn before(hub: &Hub) -> (Self, String) {
        let (_, address) = hub.url.rsplit_once('@').unwrap();
        let (address, _) = address.split_once('/').unwrap();
        let proxy = Self::to(address.to_owned()).await;
        let url = hub
            .url
            .replace(address, &format!("127.0.0.1:{}", proxy.port));
        (proxy, url)
    }

    async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let wires = Arc::new(std::sync::Mutex::new(CancellationToken::new()));
        let (is_cut, tokens) = (Arc::clone(&cut), Arc::clone(&wires));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                let broken = tokens.lock().unwrap().clone();
                let target = target.clone();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        () = broken.cancelled() => {}
                    }
                });
            }
        });
        Self { port, cut, wires }
    }

    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        let broken = std::mem::take(&mut *self.wires.lock().unwrap());
        broken.cancel();
    }

    pub(crate) fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}
