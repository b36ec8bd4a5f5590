use std::str;

use mailwright_core::{QueueId, TraceId};

/// Trace ids: text and octets say the same.
pub fn trace_id(data: &[u8]) {
    if let Some(&octets) = data.first_chunk::<10>() {
        let id = TraceId::from_bytes(octets);
        let text = id.to_string();
        assert_eq!((text.len(), text.parse(), id.to_bytes()), (16, Ok(id), octets));
        assert!(id.time().as_millis() >= 0);
        assert_eq!(TraceId::new(id.time(), [octets[6], octets[7], octets[8], octets[9]]), id);
        assert!(QueueId { trace: id, entry: u32::from(octets[0]) }.to_string().starts_with(&text));
    }
    if let Ok(text) = str::from_utf8(data)
        && let Ok(id) = text.parse::<TraceId>()
    {
        let shown = id.to_string();
        assert_eq!(shown.parse(), Ok(id));
        let alike = text.to_ascii_uppercase().replace('O', "0").replace(['I', 'L'], "1");
        assert_eq!(shown, alike);
    }
}
