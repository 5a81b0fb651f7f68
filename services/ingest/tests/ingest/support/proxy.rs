use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::Hub;

/// A wire to the database that can be cut, frozen and mended.
pub(crate) struct Proxy {
    cut: Arc<AtomicBool>,
    frozen: Arc<AtomicBool>,
    wires: Arc<Mutex<CancellationToken>>,
}

impl Proxy {
    /// A wire to the hub's database, and the URL that goes through it.
    pub(crate) async fn before(hub: &Hub) -> (Self, String) {
        let (_, address) = hub.url.rsplit_once('@').unwrap();
        let (address, _) = address.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = hub.url.replace(address, &format!("127.0.0.1:{port}"));
        let proxy = Self {
            cut: Arc::default(),
            frozen: Arc::default(),
            wires: Arc::default(),
        };
        let (cut, wires) = (Arc::clone(&proxy.cut), Arc::clone(&proxy.wires));
        let frozen = Arc::clone(&proxy.frozen);
        let target = address.to_owned();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if cut.load(Ordering::SeqCst) {
                    continue;
                }
                let broken = wires.lock().unwrap().clone();
                let (target, frozen) = (target.clone(), Arc::clone(&frozen));
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        () = broken.cancelled() => {}
                    }
                    // Open on both sides, and nothing goes through.
                    while frozen.load(Ordering::SeqCst) {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                });
            }
        });
        (proxy, url)
    }

    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.break_wires();
    }

    /// From now on nothing goes through, and nobody is told.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
        self.break_wires();
        // New ones are frozen from the start.
        self.wires.lock().unwrap().cancel();
    }

    fn break_wires(&self) {
        let broken = std::mem::take(&mut *self.wires.lock().unwrap());
        broken.cancel();
    }

    pub(crate) fn mend(&self) {
        *self.wires.lock().unwrap() = CancellationToken::new();
        self.frozen.store(false, Ordering::SeqCst);
        self.cut.store(false, Ordering::SeqCst);
    }
}
