//! Peers that do not read, and those that read slowly.

use std::time::Duration;

use mailwright_tokio::DriverError;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::sleep;

use crate::client::seconds;
use crate::driver::{driver, run};

#[tokio::test(start_paused = true)]
async fn who_never_reads_is_cut_off() {
    let (near, far) = duplex(1024);
    let session = tokio::spawn(run(driver(far)));
    let (_unread, mut writer) = tokio::io::split(near);
    // Far beyond what is read ahead, so this blocks.
    let flood = tokio::spawn(async move { writer.write_all("NOOP\r\n".repeat(100_000).as_bytes()).await });
    let (time, ended) = seconds(session).await;
    let result = ended.unwrap().1;
    assert!(matches!(result, Err(DriverError::NotReading)), "{result:?}");
    // A minute, and what 1024 octets take at 500 a second.
    assert!((60..=62).contains(&time), "{time} s");
    assert!(flood.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn who_reads_slowly_is_not() {
    let (near, far) = duplex(1024);
    let session = tokio::spawn(run(driver(far)));
    let (mut reader, mut writer) = tokio::io::split(near);
    tokio::spawn(async move {
        writer.write_all("NOOP\r\n".repeat(20_000).as_bytes()).await.unwrap();
        writer.write_all(b"QUIT\r\n").await.unwrap();
    });
    let (mut all, mut piece) = (Vec::new(), [0; 600]);
    let (time, ()) = seconds(async {
        loop {
            sleep(Duration::from_secs(1)).await;
            match reader.read(&mut piece).await.unwrap() {
                0 => break,
                count => all.extend_from_slice(&piece[..count]),
            }
        }
    })
    .await;
    assert!(time > 400, "it took {time} s");
    assert!(all.ends_with(b"closing\r\n"));
    assert!(session.await.unwrap().1.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_read_fast_does_not_buy_hours() {
    let (near, far) = duplex(1024);
    let session = tokio::spawn(run(driver(far)));
    let (mut reader, mut writer) = tokio::io::split(near);
    tokio::spawn(async move { writer.write_all("NOOP\r\n".repeat(1_000_000).as_bytes()).await });
    // 2 MB at once are over an hour's at 500 a second.
    let mut all = vec![0; 2 << 20];
    reader.read_exact(&mut all).await.unwrap();
    let (time, ended) = seconds(session).await;
    assert!(matches!(ended.unwrap().1, Err(DriverError::NotReading)));
    assert!((60..=6 * 60).contains(&time), "{time} s");
}
