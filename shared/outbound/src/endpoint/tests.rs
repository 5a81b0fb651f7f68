#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use dragoman_settings::{Secret, Text};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Endpoint, EndpointError, EndpointOptions, UrlError};
use crate::guard::{GuardedResolver, LookingUp};
use crate::{
    AuthOptions, Call, CallError, ClientCredentials, Guard, NotConnectedReason, Oauth2AuthOptions,
    Unsendable,
};

fn options(url: &str, private_network: bool) -> EndpointOptions {
    EndpointOptions {
        url: Secret::from(url),
        auth: AuthOptions::default(),
        timeout: Duration::from_secs(10),
        private_network,
    }
}

fn addresses(addresses: &[IpAddr]) -> LookingUp {
    let addresses = addresses.to_vec();
    Box::pin(async move { Ok(addresses) })
}

const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8));
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[test]
fn what_is_wrong_is_named_by_its_key() {
    let error = |options: &EndpointOptions| Endpoint::new(options).unwrap_err();
    assert_eq!(error(&options("ftp://crm.example", false)).path(), ["url"]);
    assert!(matches!(
        error(&options("http://127.0.0.1:9", false)),
        EndpointError::Url(UrlError::Refused(_))
    ));
    let never = EndpointOptions {
        timeout: Duration::ZERO,
        ..options("https://crm.example", false)
    };
    assert_eq!(error(&never).path(), ["timeout"]);
    let inside = EndpointOptions {
        auth: AuthOptions::Oauth2(Oauth2AuthOptions {
            token_url: Text::from("https://169.254.169.254/latest"),
            client_id: Text::from("hub"),
            client_secret: Secret::from("s3cret"),
            scope: None,
            audience: None,
            credentials: ClientCredentials::Header,
        }),
        ..options("https://crm.example", false)
    };
    assert_eq!(error(&inside).path(), ["auth", "token_url"]);
    assert!(matches!(
        error(&inside),
        EndpointError::TokenUrl(UrlError::Refused(_))
    ));
}

#[test]
fn an_endpoint_shows_its_origin_alone() {
    let options = options("https://hooks.example/s3cret?key=s3cret", false);
    let endpoint = Endpoint::new(&options).unwrap();
    assert_eq!(&*endpoint.origin(), "https://hooks.example");
    assert!(!format!("{endpoint:?} {options:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_name_with_one_address_inside_is_refused() {
    let resolver = GuardedResolver::with_lookup(Guard::new(false), |_| addresses(&[PUBLIC, HERE]));
    let options = options("http://rebound.example", false);
    let endpoint = Endpoint::with_resolver(&options, resolver).unwrap();
    match endpoint.call(&Call::new("GET", "/")).await {
        Err(CallError::Refused(refused)) => {
            assert_eq!(refused.address, HERE);
            assert_eq!(&*refused.host, "rebound.example");
        }
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_judged_is_what_is_dialled() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Nobody else knows this name: only the address that the resolver hands out can be it.
    let resolver = GuardedResolver::with_lookup(Guard::new(true), |_| addresses(&[HERE]));
    let options = options(&format!("http://pinned.invalid:{port}/"), true);
    let endpoint = Endpoint::with_resolver(&options, resolver).unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 1024];
        let read = stream.read(&mut head).await.unwrap();
        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        String::from_utf8(head[..read].to_vec()).unwrap()
    };
    let call = Call::new("GET", "/a");
    let (answer, head) = tokio::join!(endpoint.call(&call), server);
    assert_eq!(answer.unwrap().status, 204);
    assert!(
        head.contains(&format!("host: pinned.invalid:{port}")),
        "{head}"
    );
}

#[tokio::test]
async fn a_name_without_addresses_is_not_connected() {
    for lookup in [(|_| addresses(&[])) as fn(String) -> LookingUp, |_| {
        Box::pin(async { Err(std::io::Error::other("no such name")) })
    }] {
        let resolver = GuardedResolver::with_lookup(Guard::new(false), lookup);
        let options = options("http://gone.example", false);
        let endpoint = Endpoint::with_resolver(&options, resolver).unwrap();
        match endpoint.call(&Call::new("GET", "/")).await {
            Err(CallError::NotConnected(error)) => {
                assert_eq!(error.reason, NotConnectedReason::Name);
            }
            other => unreachable!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn only_known_methods_are_sent() {
    let endpoint = Endpoint::new(&options("https://crm.example", false)).unwrap();
    for method in ["", "get", "CONNECT", "TRACE", "GET /\r\n", "PURGE"] {
        match endpoint.call(&Call::new(method, "/")).await {
            Err(CallError::Unsendable(Unsendable::Method(named))) => assert_eq!(named, method),
            other => unreachable!("{other:?}"),
        }
    }
}
