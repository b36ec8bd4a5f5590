//! The reference server inside a process of one's own.

use mailwright_server::{Server, Service};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mail = Server::new("localhost")
        .account("ann@localhost", "correct horse")
        .listen(Service::Smtp, ([127, 0, 0, 1], 2525))
        .listen(Service::Pop3, ([127, 0, 0, 1], 2110))
        .start()
        .await?;
    println!("SMTP on {:?}, POP3 on {:?}", mail.addr(Service::Smtp), mail.addr(Service::Pop3));
    tokio::signal::ctrl_c().await?;
    mail.shutdown().await;
    Ok(())
}
