/// Messages of any octets, in pieces and whole, with all that is read from a scan of them.
pub fn message_scanner(data: &[u8]) {
    mailwright_message::testing::exercise(data);
}
