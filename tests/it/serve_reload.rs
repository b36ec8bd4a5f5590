//! A server reads its configuration again: all of it or nothing, and nobody is disturbed.

use crate::serve_process::{PASSWORD, Site};
use crate::support::{Wire, python};

#[test]
fn another_certificate() {
    let Some(site) = Site::new() else { return };
    let mut serve = site.serve();
    site.certificate("next-");
    let (smtp, pop3s) = (serve.smtp().to_string(), serve.pop3s().to_string());
    let folder = site.folder.path().to_str().unwrap();
    let Some(ran) = python("serve_certificate.py", [&smtp, &pop3s, &serve.id().to_string(), folder], b"")
    else {
        return;
    };
    ran.ok();
    serve.wait_for("configuration and certificate reloaded");
}

#[test]
fn another_configuration() {
    let Some(site) = Site::new() else { return };
    let mut serve = site.serve();
    let mut open = Wire::smtp(serve.smtp());
    site.configure(
        "[[user]]\naddress = \"carol@example.org\"\npassword = { file = \"hash\" }\n\
         [limits]\nmessage_size = \"1 MiB\"\nconnections = 77",
    );
    serve.hang_up();
    serve.wait_for("configuration and certificate reloaded");
    serve.wait_for("\"keys\":\"limits.connections\"");
    assert!(serve.log().contains("\"changed\":\"user, limits.message_size\""), "{}", serve.log());
    // What is open lives, and what comes finds the new.
    open.expect("NOOP", "250");
    assert!(Wire::smtp(serve.smtp()).ask("EHLO client.example").contains("SIZE 1048576"));
    Wire::smtp(serve.smtp()).mail("carol@example.org", "Subject: welcome\r\n\r\n");
    if let Some(fetched) = serve.fetch("carol@example.org", PASSWORD) {
        assert!(fetched.unwrap().contains("Subject: welcome"));
    }
}

#[test]
fn a_wrong_configuration_changes_nothing() {
    let Some(site) = Site::new() else { return };
    let mut serve = site.serve();
    site.configure(
        "[limits]\nmessage_size = \"1 MiB\"\nrecipients = \"many\"\npassword = \"battery staple\"",
    );
    serve.hang_up();
    serve.wait_for("the configuration was not reloaded");
    let log = serve.log();
    // With the report, and without what may be a secret.
    assert!(log.contains("out of bounds") || log.contains("this is text"), "{log}");
    assert!(log.contains("unknown key `password`") && !log.contains("staple"), "{log}");
    assert!(Wire::smtp(serve.smtp()).ask("EHLO client.example").contains("SIZE 26214400"));
    Wire::smtp(serve.smtp()).mail("ann@example.org", "Subject: as ever\r\n\r\n");
    // A certificate that is none, likewise.
    site.configure("");
    std::fs::write(site.path("chain.pem"), "nothing").unwrap();
    serve.hang_up();
    serve.wait_for("there is no certificate in it");
    Wire::smtp(serve.smtp()).mail("ann@example.org", "Subject: as ever\r\n\r\n");
}
