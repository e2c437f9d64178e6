use rcgen::{
    CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
};
use rustls::pki_types::pem::PemObject;

use super::*;

// Throwaway certificates of sorts that no library here can make.
const P521: &str = "-----BEGIN CERTIFICATE-----
MIIB/TCCAV6gAwIBAgIUJaBqtqSRiJ8kHkwnfaM2xMJ32XUwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEcDUyMTAgFw0yNjExMjgxMDAzMjdaGA8yMTI2MTEwNDEwMDMy
N1owDzENMAsGA1UEAwwEcDUyMTCBmzAQBgcqhkjOPQIBBgUrgQQAIwOBhgAEAN+e
vdNc0xshLiydb17tp19/pSBw5nRNdKDDC5EiPsn3LhdiCH1MVh/ODSNmgo0aJd1r
Uq5tCfuqySGI4zoY9qYrAFBfc3PIeHO/vgi+MAcgjIE8l/0B7KFAsAvlHOEgtFTs
+MVxlpHpo1Q3WpgBAQS6iyjVgndTCKJ7i+G7QCENWiloo1MwUTAdBgNVHQ4EFgQU
ak5sVlqubY4IKzr3FPY0METgkQEwHwYDVR0jBBgwFoAUak5sVlqubY4IKzr3FPY0
METgkQEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgOBjAAwgYgCQgGnwBK+
o3r1OFd9y9vpwZ2tsiSHTWL3b8CPSdUBOtvXZIq6bZFN+TiQHNR/33sXzyeoFkpE
YGHNsdVtt3OKGLtXuAJCAYkL9ozh9Q6G+n9022NkcTzRiEkIODt4Ah89WQvVvpvD
Ma8/P5+G6JcSe+KNz5CzvEvuIuA3Pyzl+QSJ8PapdCKQ
-----END CERTIFICATE-----
";
const RSA_2048: &str = "-----BEGIN CERTIFICATE-----
MIIDBzCCAe+gAwIBAgIUG+ETtXegGJCq+c+qmAdbxWWvn34wDQYJKoZIhvcNAQEL
BQAwEjEQMA4GA1UEAwwHcnNhMjA0ODAgFw0yNjExMjgxMDAzMjdaGA8yMTI2MTEw
NDEwMDMyN1owEjEQMA4GA1UEAwwHcnNhMjA0ODCCASIwDQYJKoZIhvcNAQEBBQAD
ggEPADCCAQoCggEBAIpOFJkjWcHpkzzNNYGVBldPHpcXdzRFJS2GrkaClrouX6cD
LTYdc+bz+5zY2C3cuHIsHTgXj1PxXS0FL0mD4OCH/UD0iFJsyQhtVDcdOvUXX3VN
Z6rfWd0YpXixyN7x3i2FE6iQ4Wu59gEt8V8VKucdqgcqnkq+JjnisGXSmFBR001F
zGwk+v3ED7/ck9D1UV5Igv3f6Bt/z9M88ok/8eXKLhXFq1S5Zp2cN0dwyabUGjS7
XRksUxHnGHsVquzTCc4lvCl8mQVn5QFwPZQ2HleJSfnzi/loONaN38S/hhljLjXx
pAOYyupoohER1qHYqTOEHGX1JrKTCz7hiUFIlXkCAwEAAaNTMFEwHQYDVR0OBBYE
FMaQ2aWRsaweAtpUCH0n/XVcBMsMMB8GA1UdIwQYMBaAFMaQ2aWRsaweAtpUCH0n
/XVcBMsMMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBACrAgVBN
EUvAe+tHNZqfmHG9bRu1IcJqtoR+a/t/28xPiarEtIy9KcXYfEPR4ZWokBadbcP/
w9gCQXEAc0qPHJHk8LPpKS7pf2qrD2c2OOS7Gqi2lDbZUp2qXsN7aY9sXEq7UX4h
vNyF9+l+8eZz45bqnpMnoOuWl7ldK++WBJxwH6xNfteMQf8Q3pEoQBTcl3a4kVFC
LNXnKRW6knqTxLzEGMt7OQ5roqR/puav3GNKJn6cSjajpixt9WEtGz4srxfXon37
svPGNCnm+2SodNcleJ4lXK0XlbJNmGj5+LbsxZALgcd0RAYM7QU3ZJdzgSyzKDGn
zK3OeLkQJCdGoQw=
-----END CERTIFICATE-----
";
const RSA_8192: &str = "-----BEGIN CERTIFICATE-----
MIIJBzCCBO+gAwIBAgIUEhsEjtAzBhjKWpOgGTcI1ldEI6kwDQYJKoZIhvcNAQEL
BQAwEjEQMA4GA1UEAwwHcnNhODE5MjAgFw0yNjExMjgxMDA0MjhaGA8yMTI2MTEw
NDEwMDQyOFowEjEQMA4GA1UEAwwHcnNhODE5MjCCBCIwDQYJKoZIhvcNAQEBBQAD
ggQPADCCBAoCggQBAM9egYdIw2tvOf+2N490V8hgieCXUXZOV+1tdouyPpJ3Xx0R
3lKn32ZF6o1+mqGxs0+o4I76f4pJAI13FSSWKHP/HBXZe4S0m+Vf5Osexi2Qkwdx
eQKldLNsaAVCWLpzffswZveZBqfoOQhAxJLGsDMB3RpKpMnEPermsPG2DOIJ8rYW
QT7Hxzhu9y56p+TRZHy9I+r8Zly4VSPrOw29JFNOGr3MVoBJZbhn3qeJyodw2+sx
aujGfnASvwwQo0azWT7fuVoEDDpbshryJNdXLh4dsmAYBZnBJvNSeL6ChX01caCY
4I9tPlg0GI64VWpkQMrmAAG74ToBDtNpXBtMYiN+0in10w4Ix3xa7q+lHNxYBwD5
yTEe5wlP4fllnXK6CtVU1vHBxhi2ufQBnGQF0yiNeEqh9IE67FQwuTR8I8NE1VO+
aB+434sqV0WlVKzlneSpJLJygkV9HPAeRnwPzU0koUj2Cw2PlkyfYFuccUAdZqPh
FvdXiFPVZZ5m5bBNZe0vAyDM4JeH4xYp3Vw71+MF/ezS0gDPoW8mR8TxLczoNzTr
bpJhliL0MSkE09B9w2ouu2XUoHi+ljJMdzmsgnxvnsehvpXfdRizsm0O5Jrruft3
0mU9RChloQpsGcP++Ert45vBq9+Yy7O8e8eHHZoBk/HV9dE1EpYEiQbdkmNp6RkC
B4cZDFUqwxEvb1UBwFnjt8s6BKQXtWLn164DSymLqfRINX56xSRxWXL4TZzVKZA7
S3T9+tWI4xjrPYeMr0Gb/d4kL+fF+gJN7qLSxwznwbr3sRQZOKnd0HWfPmE6bFnE
Ca18+UtEOZaD0a7OzaAgzqda+ilfmxvN1nGgrgnvoEhbh6J1Riykdt50XlHsYZXi
I94TnKeOkkQOJzxhxWnU/gdmdS5JtjXQS3xO1wYX+MeIJG9sjpWxS8oE8Zbk6T54
fQYuNONkTTvx1XX6Kw+ZYWDcPehh/kiNHDcQlZxLQPHy1ZCR+40gf0WjL/YU8qy2
snw1qVc1mXhygj0aqlmcpIOncgP5ol0E01W7Cf0OSNS6Q7dphEpwtZ0lSJZsiIP0
S5K2kLzan/CXVJXMQ2bV0ggJdRZNPeSj0YHEek3y3RjPyHyeWl3ex2cO4zIxgWih
rneSUl/vo0NEQQlFTBxAo8H6JfjB27PmBq+IVIE5mwtfzG2CG4PqkmLTD8wBIywy
/Zh5+yZUa6OMN3Lw+WzoTJJtMyebwIo3TaLLvmiozZWscWQloXqAoEd0JBMZiazK
n3muuYxapoJJR7Cf2dXCCttlkRPhhrXo6x6/S+CAv/E6JYW2YMV1ahDvlBZoRPTe
dmc4+mohcgyk+FMebo6HPkzbnr9+mUGHucKK4/MCAwEAAaNTMFEwHQYDVR0OBBYE
FNTJYi7PKL+mKudtnyNiiT0EoRNIMB8GA1UdIwQYMBaAFNTJYi7PKL+mKudtnyNi
iT0EoRNIMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggQBAA4uGkag
P9nkPPpR/+WbhTir9WAyKJiCErvqQBNNW+FdGE95qD6yJcTCTAMrSkQTStK5jt6L
GBHoP2IQxElTOIYkGgBvz6rrjVkqa8aCYtb90Fmi2CRzSfZk/TXvy6VWjGik0fmY
e+OAgOYQwNJbOw0qSedevSyBWf9334KXd5W/d8fBTAQoCxeogebdgimOOvzrOLzI
xm0KzcnRM1zKAwwTbQ2Lbv1bvjR4Rmdii7/K5dcWOHjFIJ8Z+La68018SJYe6UVJ
a5oLAzoNdQI1UCodbjvlRxfPkMtQDIHJ+0wht+wS4DuU+pRcmsWjJYZSStztuMSY
/2kj6510oWLqIKp57/3k/PckTT9z79I841+1d9t05rJtZW745UUKRse5dMm1dT71
W1gt/Ek7vnKoOzr6ByNGlhwUwXYpvo4L02loRwpiwhQgrEjE1uzK+uQeg8TQ8i9L
Dcztm/IxRnmtepyjSiqfJt984CH+fEOcDm9eDSp8Ona1vL1BJeX1zT9oRrVh4NKQ
x9x8+Q1YVhN+r8wzHH1L4umdSTQmifs+5UkydyK7K0MSeXiEZIfA0IfiBx7sVtYV
pEBUrjIK+e28/5/hJVl4z0yic5g/UN5JtIgvhkXCNW22zDwLHQMtGyyZ2UroPxLh
xa35sx+Pk2iFqGuGieE7vWOsWfFWTQFH9KPjy724gX9JVd370xAhCHJBS95MPfUl
qfbXxI1A4eubTXupuEjJVEnQtBXF07AUWDq+zmDv3eTaYTeAP8fi1u/20bNz+q4E
TyUWVyiYUO0VNsYwGpaR+IRDbujp0AEgo6CgwxSa15Yw8px6ycZqqcHXhmw9TY8g
JkCRjesqgh7ysskgivXIeN/34T6pVI5q2zKi9Huv2iLu6gkCy9Dqnvwju7tTh3bn
NMGFw/lp5VRpsvRNU1pSiVOftJjvKiNSokdh6kwFxC70sdtWN1Eh1PBMNj5x7Xmj
ix2BDvjKNk/1lvIsVipehunisZvdUpyhTD3McMLt52AthzWPTOo4dgTyOeEQ1eNA
Viv9QhCnVq+4XykUraHFidgOJR098kGuNzOss1AFmTCTbrXxeVaS+2OUnvHdOdBC
DDFLr9JbG9cOvjHcLaZdYSr9/6YvlFv1F++RND4Vhoia2aXQ52x1MfHtqCJdPXDp
wwZ0XL+XEc+UvWNvW3W5TyYfHZHUAd3wovr/NYq0eKTlCzKT3xXQxdXAffzAubPb
0CubhsTvQ+ug4xTxA+YM9vOWwoj5fT3zqTA4ukBjUXgoHedfV46rYpeqNxi54dDL
UCT26L5YIgIenz6wnlikQ/p6e97LGvpEqy+20cD2h5cyz0H3r4zvVFhJOhGmJSyP
WJ7Bvp+MNaikqac=
-----END CERTIFICATE-----
";

fn check(pem: &str, expected: &str, is_supported: bool) {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let sort = key_of(&certificate).unwrap();
    assert_eq!(sort.to_string(), expected);
    assert_eq!(sort.is_supported(), is_supported, "{expected}");
}

#[test]
fn key_that_cannot_be_used_is_known_by_name() {
    check(P521, "ECDSA P-521", false);
    check(RSA_8192, "RSA with 8192 bits", false);
    check(RSA_2048, "RSA with 2048 bits", true);
}

#[test]
fn key_that_the_library_makes_is_supported() {
    for (algorithm, name) in [
        (&PKCS_ECDSA_P256_SHA256, "ECDSA P-256"),
        (&PKCS_ECDSA_P384_SHA384, "ECDSA P-384"),
        (&PKCS_ED25519, "Ed25519"),
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let params = CertificateParams::new(Vec::new()).unwrap();
        check(&params.self_signed(&key).unwrap().pem(), name, true);
    }
}

#[test]
fn what_is_no_certificate_has_no_sort() {
    assert_eq!(
        key_of(&CertificateDer::from(vec![0x30, 0x03, 1, 2, 3])),
        None
    );
}
