#![allow(clippy::unwrap_used)]

use std::net::IpAddr;

use url::Host;

use super::{Guard, is_global};
use crate::UrlError;
use crate::endpoint::CheckedUrl;

const FORMS: &str = include_str!("forms.txt");

/// What the guard says of a URL, in the words of the table.
fn verdict(url: &str, guard: Guard) -> &'static str {
    match CheckedUrl::parse(url, guard) {
        Ok(_) => "allowed",
        Err(UrlError::Refused(_)) => "refused",
        Err(_) => "invalid",
    }
}

/// The same of an address, which every way of looking must see the same.
fn verdict_of_address(address: IpAddr, url: &str, guard: Guard) -> &'static str {
    let is_allowed = guard.check("a.example", &[address]).is_ok();
    assert_eq!(is_global(address), is_allowed, "{address}");
    let found = if is_allowed { "allowed" } else { "refused" };
    assert_eq!(verdict(url, guard), found, "{url}");
    found
}

#[test]
fn every_form_of_an_address_is_judged_as_the_table_says() {
    let guard = Guard::new(false);
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in FORMS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# ") && *line != "#")
    {
        let (expected, form) = line.split_once(' ').unwrap();
        assert!(
            ["allowed", "refused", "invalid"].contains(&expected),
            "{line}"
        );
        let found = match form.parse::<IpAddr>() {
            Ok(address @ IpAddr::V4(_)) => {
                verdict_of_address(address, &format!("http://{form}/"), guard)
            }
            Ok(address @ IpAddr::V6(_)) => {
                verdict_of_address(address, &format!("http://[{form}]/"), guard)
            }
            Err(_) => verdict(form, guard),
        };
        count += 1;
        if found != expected {
            wrong.push(format!("{form} is {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 500, "only {count} forms");
}

#[test]
fn the_private_network_is_open_when_that_is_said() {
    let guard = Guard::new(true);
    for url in [
        "http://127.0.0.1/",
        "http://[fd00::1]/",
        "http://localhost/",
        "http://10.1/",
    ] {
        assert_eq!(verdict(url, guard), "allowed", "{url}");
    }
    assert_eq!(verdict("http://user@127.0.0.1/", guard), "invalid");
}

#[test]
fn one_address_that_is_not_public_refuses_the_name() {
    let guard = Guard::new(false);
    let addresses: Vec<IpAddr> = ["8.8.8.8", "2606:4700::1", "10.0.0.5", "127.0.0.1"]
        .map(|address| address.parse().unwrap())
        .to_vec();
    assert!(guard.check("crm.example", &addresses[..2]).is_ok());
    let refused = guard.check("crm.example", &addresses).unwrap_err();
    assert_eq!(refused.address, addresses[2]);
    assert_eq!(
        refused.to_string(),
        "crm.example is at 10.0.0.5, which is private (RFC 1918) and not public; \
         if it is meant to be called, set private_network: true where its url stands"
    );
}

#[test]
fn a_message_says_what_the_address_is_for() {
    let guard = Guard::new(false);
    let purpose = |host: Host<&str>| guard.check_host(&host).unwrap_err().purpose;
    assert!(purpose(Host::Domain("a.localhost")).starts_with("loopback"));
    for (address, word) in [
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("::ffff:8.8.8.8", "an IPv4 address"),
        ("64:ff9b::10.0.0.1", "private"),
        ("2001:0:1::1", "a Teredo tunnel"),
        ("4000::1", "not of the global unicast"),
    ] {
        let found = purpose(Host::Ipv6(address.parse().unwrap()));
        assert!(found.starts_with(word), "{address}: {found}");
    }
}
