//! What holds for all rules.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn any_rule() -> impl Strategy<Value = (bool, &'static str, &'static str, &'static str, bool)> {
    (
        any::<bool>(),
        prop::sample::select(vec!["public", "ops", "ana", "bob"]),
        prop::sample::select(vec!["/a", "/a/b", "/c"]),
        prop::sample::select(vec!["/m", "/m/n", "/o", "/m*"]),
        any::<bool>(),
    )
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(any_rule(), 0..12).prop_map(|rules| {
        let numbered = (1..).zip(rules);
        let make = |(id, (adds, owner, host, mount, has_condition))| {
            let conditions: &[&str] = if has_condition { &["1"] } else { &[] };
            match adds {
                true => add(id, owner, host, mount, conditions),
                false => remove(id, owner, host, mount, conditions),
            }
        };
        numbered.map(make).collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_rules_does_not_matter((rules, shuffled) in rules().prop_flat_map(|rules| {
        (Just(rules.clone()), Just(rules).prop_shuffle())
    })) {
        prop_assert_eq!(resolve(&rules, &ana(), None), resolve(&shuffled, &ana(), None));
    }

    #[test]
    fn every_mount_is_explained_by_a_rule_that_gives_it(rules in rules()) {
        let resolution = resolve(&rules, &ana(), None);
        let paths: BTreeSet<&str> =
            resolution.mounts.iter().map(|it| it.mount_path.as_str()).collect();
        prop_assert_eq!(paths.len(), resolution.mounts.len());
        let giving = resolution.verdicts.iter().filter(|it| it.effect == Effect::Gives);
        let giving: BTreeSet<Source> = giving.map(|it| it.source).collect();
        let given: BTreeSet<Source> = resolution.mounts.iter().map(|it| it.source).collect();
        prop_assert_eq!(giving, given);
        // Every rule that is meant for the user is told of once.
        let meant = rules.iter().filter(|rule| rule.rank(&ana()).is_some()).count();
        prop_assert_eq!(resolution.verdicts.len(), meant);
    }
}
