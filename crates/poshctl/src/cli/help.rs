//! What stands below the options in the help of each command.

pub(super) const ALL: &str = "\
Examples:
  poshctl check hosted.example
  poshctl gen --pem hosting.crt --out /var/www/hosted.example
  poshctl ref --url https://hosting.example/.well-known/posh/xmpp-server.json --out /var/www/c
  poshctl explain posh-fingerprint-mismatch

Exit code: 0 done, or the peer would be accepted; 1 it would be refused; 2 wrong usage or a local
file; 3 it would be accepted with a warning, and --strict is given; 4 cannot tell (for example a
time-out).";

pub(super) const GEN: &str = "\
All certificates are listed in the order of the command line, except for authorities that follow
what they have issued, as in the chain that a server shows.

With --live the certificate is that which the server shows now. Nothing proves that it is the right
server: compare the digest on standard error with what you know of it. Without a port SRV records
say where the server is; with one, it is the domain's own address.

A key or a certificate request is not enough: without x5t no certificate would match the entry.

For a roll-over list the new certificate and the old one, and install the new one when no copy of
the old document can be left.

Examples:
  poshctl gen --pem hosting.crt
  poshctl gen --pem new.crt --pem old.crt --expires 1d --out /var/www/hosted.example
  poshctl gen --der hosting.der --format draft02
  poshctl gen --live s2s.hosting.example:5269
  poshctl gen --pem new.crt --live hosted.example --direct-tls";

pub(super) const REF: &str = "\
The document at the URL is made with gen; it has to be of the same format. For both formats run
ref twice, with the URLs of two documents.

Examples:
  poshctl ref --url https://hosting.example/.well-known/posh/xmpp-server.json
  poshctl ref --url https://hosting.example/posh.json --out /var/www/hosted.example
  poshctl ref --url https://hosting.example/keys.json --format draft02 --out /var/www/hosted.example";

pub(super) const CHECK: &str = "\
Without --from the other server is asked for nothing but its proof: it is shown a certificate that
was made for this, of the domain poshctl.invalid. Whether it accepts us is not tested then, since a
server offers SASL EXTERNAL only to whom it accepts.

Exit code: 0 the domain would be accepted (with --from, each side accepts the other), 1 refused, 2
wrong usage or no such file, 3 accepted with a warning, and --strict is given, 4 cannot tell.

Examples:
  poshctl check hosted.example
  poshctl check hosted.example --from im.example --cert im.crt --key im.key --json
  poshctl check hosted.example --resolver 192.0.2.53 --cacert ca.pem --allow-network 10.0.0.0/8
  poshctl check hosted.example --connect-to hosted.example:443:192.0.2.80:8443";

pub(super) const LINT: &str = "\
Exit code: 0 it can be used, 1 it cannot, 2 wrong usage or no such file, 3 it can be used with a
warning, and --strict is given, 4 the web host did not answer.

Examples:
  poshctl lint /var/www/hosted.example/.well-known/posh/xmpp-server.json
  poshctl lint https://hosted.example/.well-known/posh/xmpp-server.json --for prosody --strict
  poshctl lint keys.json --profile draft02";

pub(super) const VERIFY: &str = "\
Only POSH counts: the same certificate may be good for the domain by its own names.

Exit code: 0 the certificate proves the domain, 1 it does not, 2 wrong usage or no such file, 3 it
does, with a warning, and --strict is given.

Examples:
  poshctl verify --domain hosted.example --cert hosting.crt --doc posh/xmpp-server.json
  poshctl verify --domain hosted.example --cert hosting.crt --doc ref.json --doc list.json \\
      --profile rfc7711";

pub(super) const EXPLAIN: &str = "\
Examples:
  poshctl explain posh-fingerprint-mismatch
  poshctl explain";
