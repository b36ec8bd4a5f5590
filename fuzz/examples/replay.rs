fn main() {
    let want = std::env::args().nth(1);
    for (name, target) in mailwright_fuzz::TARGETS {
        if want.as_deref().is_some_and(|w| w != *name) {
            continue;
        }
        let mut n = 0;
        for e in std::fs::read_dir(format!("corpus/{name}")).unwrap() {
            let p = e.unwrap().path();
            let d = std::fs::read(&p).unwrap();
            if std::panic::catch_unwind(|| target(&d)).is_err() {
                println!("FAIL {}", p.display());
            }
            n += 1;
        }
        println!("{name} {n}");
    }
}
