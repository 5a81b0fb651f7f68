//! An authority of one's own, and a door with one of its certificates before a server.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// What `openssl` or a company's own authority makes.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new([]).unwrap();
        let names = &mut parameters.distinguished_name;
        names.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(parameters, key).unwrap();
        let authority = Self {
            issuer,
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(authority.file(), authority.issuer.pem()).unwrap();
        authority
    }

    /// Where its own certificate is, for whoever is to trust it.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// A certificate for that name.
    pub(crate) fn certificate(&self, name: &str) -> Certificate {
        self.certificate_with(name, |_| ())
    }

    /// One for that name that was good once.
    pub(crate) fn expired(&self, name: &str) -> Certificate {
        self.certificate_with(name, |parameters| {
            parameters.not_before = date_time_ymd(2019, 1, 1);
            parameters.not_after = date_time_ymd(2020, 1, 1);
        })
    }

    fn certificate_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut parameters);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Certificate(Arc::new(config.unwrap()))
    }
}

/// A certificate with its key, for a server.
pub(crate) struct Certificate(Arc<ServerConfig>);

/// Agrees on TLS and hands what comes to a server behind it.
pub(crate) struct Door {
    pub(crate) port: u16,
    names: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl Door {
    /// Before the server at that port.
    pub(crate) async fn before(server: u16, certificate: &Certificate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::clone(&certificate.0));
        let names = Arc::new(Mutex::default());
        let seen = Arc::clone(&names);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(pass(stream, acceptor, seen, server));
            }
        });
        Self {
            port,
            names,
            task: task.abort_handle(),
        }
    }

    /// The names that it was asked for, by those who came in.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names.lock().unwrap().clone()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    names: Arc<Mutex<Vec<String>>>,
    server: u16,
) {
    // Who does not trust the certificate hangs up here.
    let Ok(mut outside) = acceptor.accept(stream).await else {
        return;
    };
    let name = outside.get_ref().1.server_name().unwrap_or_default();
    names.lock().unwrap().push(name.to_owned());
    let mut inside = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let _broken = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
}
