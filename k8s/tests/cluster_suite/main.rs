//! The adapter on any cluster: what it promises, seen by nothing but the Kubernetes API.
//!
//! ```text
//! place    the cluster, a namespace of its own in it, and the adapter there
//! account  whom the adapter asks as: it may do what `deploy/` allows, and nothing else
//! look     what the API says of the objects, waited for by watching
//! promise  what ranks do here, whoever plays their kubelets
//! ```
//!
//! `cargo xtask test` runs it on the double of an API server, whose kubelets are simulated. With a cluster of your own:
//!
//! ```text
//! HAI_TEST_KUBECONFIG=FILE cargo xtask test --cluster
//! ```
//!
//! It makes namespaces whose names begin with `hai-suite-`, with an account in each, and removes them, also when a test fails. It needs
//! the right to do so, and a node with the label of a group, which it does not change: `kubectl label node NAME hai_mars_group=training`.
//! Its ranks ask for nothing of their node and tolerate its taints. The cluster has to have its scheduler and its garbage
//! collector.
//!
//! Its images do not exist, so somebody has to simulate the kubelets of these nodes: what simulates them says that
//! containers run, and removes pods that are deleted. For KWOK that is a node with the annotation `kwok.x-k8s.io/node=fake`
//! and the label `kubernetes.io/hostname`, and the stages that it comes with; the file is what `kwokctl get kubeconfig`
//! prints. Real kubelets need an image that is there and has `hai-agent` in `/usr/local/bin`, which
//! `HAI_TEST_IMAGE=NAME` names.
//!
//! A simulator may remove a pod without a word about how its container ended. Then the rank is not over, for nobody has
//! said so: the adapter fences it off, which takes two seconds.

mod account;
mod look;
mod place;
mod promise;
