//! Whatever is sent: no panic, no secret shown, an end to what is kept.

use mailwright_core::testing::Budget;
use mailwright_testkit::Recording;
use proptest::prelude::*;

mailwright_core::properties! {
    #![budget(Budget::new().floor(100))]

    #[test]
    fn no_text_is_too_odd_to_be_read(text in "([CS@#][:&+ ]{0,2}[ -~é]{0,20}\n){0,8}") {
        if let Ok(recording) = text.parse::<Recording>() {
            let again = recording.to_string();
            prop_assert_eq!(again.parse::<Recording>().unwrap().to_string(), again);
            let general = recording.with_wildcards().redact("a").to_string();
            prop_assert_eq!(general.lines().count(), recording.to_string().lines().count());
        }
    }
}
