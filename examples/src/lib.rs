#![doc = include_str!("../README.md")]

/// Each snippet is compiled as documentation, too.
macro_rules! snippets {
    ($($name:ident $file:literal;)*) => {
        $(
            #[doc = "```no_run"]
            #[doc = include_str!($file)]
            #[doc = "```"]
            pub mod $name {}
        )*
    };
}

snippets! {
    a_receive "../a_receive.rs";
    a2_receive_policy "../a2_receive_policy.rs";
    b_send_durably "../b_send_durably.rs";
    c_imap_from_my_data "../c_imap_from_my_data.rs";
    d_test_my_app "../d_test_my_app.rs";
    e_sansio "../e_sansio.rs";
    f_whole_server "../f_whole_server.rs";
}
