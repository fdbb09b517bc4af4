"""Bodies of POST /v1/jobs: those that are taken, and those that break a rule."""


def wrong(credential):
    """Each breaks one rule that a single field, or what a kind needs, can break."""
    wifi, mqtt = {"ssid": "bench"}, {"host": "localhost"}
    check = {"kind": "check", "slot": "gone", "wifi": wifi, "mqtt": mqtt}
    write = {"kind": "provision", "slot": "gone", "credential": credential, "wifi": wifi, "mqtt": mqtt}
    yield {"kind": "reset"}
    yield {"kind": "fly", "slot": "gone"}
    yield {"kind": "reset", "slot": "go\nne"}
    yield {"kind": "reset", "slot": ""}
    yield {"kind": "reset", "slot": "gone", "method": "rom"}
    yield {"kind": "reset", "slot": "gone", "timeout": 4}
    for change in ({"priority": 11}, {"priority": -11}, {"priority": "high"}, {"depends_on": ""}, {"depends_on": "../x"},
                   {"depends_on": 1}, {"deadline": 0}, {"deadline": 604801}, {"deadline": None}):
        yield {"kind": "reset", "slot": "gone", **change}
    yield {"kind": "identify", "slot": "gone", "method": "jtag"}
    yield {"kind": "write", "slot": "gone"}
    yield {"kind": "write", "slot": "gone", "credential": "../x"}
    for change in ({"target": "mqtt"}, {"target": {}}, {"target": {"kind": "tls"}}, {"target": {"kind": "client", "index": 2}},
                   {"target": {"kind": "mqtt", "index": 1}}, {"layout": "esp32-v2"}, {"layout": {"module": "WROOM-32"}},
                   {"layout": {"module": "", "release": "v3.4.0.0"}}, {"purge_key": "yes"}, {"backup": "bak_0"}):
        yield {"kind": "write", "slot": "gone", "credential": credential, **change}
    for backup in ({}, {"backup": ""}, {"backup": "../x"}, {"backup": "bak_0", "method": "rom"}):
        yield {"kind": "restore", "slot": "gone", **backup}
    for lines in ([], [""], ["A\rT"], ["A" * 255], [1], ["AT"] * 33):
        yield {"kind": "at", "slot": "gone", "lines": lines}
    for change in ({"level": "none"}, {"wifi": {}}, {"wifi": {"ssid": "s" * 33}},
                   {"wifi": {"ssid": "s", "password": "short"}}, {"wifi": {"ssid": "s", "password": "p" * 65}},
                   {"wifi": {"ssid": "a\tb"}}, {"time": {"zone": 15}}, {"time": {"server": "http://x"}},
                   {"time": {"server": "-a"}}, {"mqtt": {"host": "a b"}}, {"mqtt": {"host": "a..b"}}, {"mqtt": {}},
                   {"mqtt": dict(mqtt, topic="a/#")}, {"mqtt": dict(mqtt, topic="+/a")},
                   {"mqtt": dict(mqtt, keepalive=4)}, {"mqtt": dict(mqtt, qos=2)}, {"mqtt": dict(mqtt, scheme=6)},
                   {"mqtt": dict(mqtt, port=0)}, {"mqtt": dict(mqtt, client_id="")},
                   {"mqtt": dict(mqtt, password="a\nb")}, {"host_check": True, "level": "publish"}):
        yield {**check, **change}
    for missing in ("wifi", "mqtt"):
        yield {name: value for name, value in check.items() if name != missing}
        yield {name: value for name, value in write.items() if name != missing}
    yield {**write, "check": "all"}
    yield {**write, "target": {"kind": "client"}}
    yield {**write, "check": "time", "mqtt": {}, "host_check": True}
    yield from wrong_flash(credential)
    cloud = {"kind": "provision", "slot": "gone", "wifi": wifi}
    for change in wrong_things():
        yield {**cloud, "cloud": change}
    yield {**cloud, "cloud": "tour", "credential": credential}
    yield {**cloud, "cloud": {"name": "tour", "certificate": "own"}}
    yield {**cloud, "cloud": {"name": "tour", "certificate": "own", "authority": "ca_0"}, "credential": credential}
    yield {"kind": "check", "slot": "gone", "wifi": wifi, "cloud": {"name": "tour"}}
    yield {"kind": "write", "slot": "gone", "credential": credential, "cloud": "tour"}
    yield {"kind": "write", "slot": "gone", "credential": credential, "profile": "a b"}
    yield {**check, "wifi": {"ssid": "s", "keep": "yes"}}
    yield {**check, "wifi": {"ssid": "s", "password_set": True}}


def wrong_things():
    """What cannot be asked for of a cloud."""
    yield from ("", "a b", 1, {}, {"name": ""}, {"thing": "x"})
    own = {"certificate": "own"}
    claim = {"certificate": "claim", "claim": {"template": "T"}}
    for change in ({"thing": ""}, {"thing": "a:b"}, {"thing": "{serial}"}, {"thing": "{thing}"}, {"type": "a b"}, {"attributes": []},
                   {"attributes": {"a": "b c"}}, {"attributes": {"a b": ""}}, {"attributes": {"a": 1}},
                   {"attributes": dict.fromkeys("abcd", "")}, {"type": "t", "attributes": {str(n): "" for n in range(17)}},
                   {"groups": [""]}, {"groups": ["a"] * 11}, {"certificate": "jitp"}, {"key": "RSA-1024"}, {"authority": "ca_0"},
                   {"certificate": "aws", "key": "P-256"}, {**own, "key": "P-256"}, {"policy": ""}, {"policy": "a b"}, {"policy": 1},
                   {"policy": {"name": "a@b"}}, {"policy": {"document": "{}"}}, {"policy": {"text": {}}}, {"certificate": "claim"},
                   {"claim": {"template": "T"}}, {**claim, "type": "t"}, {**claim, "existing": True}, {**claim, "claim": {}},
                   {**claim, "claim": {"template": "a b"}}, {**claim, "claim": {"template": "T", "parameters": {"a": 1}}},
                   {"existing": "yes"}, {"credential": "cred_0"}):
        yield {"name": "tour", **change}


def things(credential, authority):
    """Each way of asking for a thing; what a job or a registration says besides."""
    yield {"name": "tour"}, {}
    yield {"name": "tour", "thing": "t-{slot}-{mac}", "type": "pump:1", "attributes": {"a": "{thing}", "b": "1/2", "c": "", "d": "{mac}"},
           "groups": ["a:b"], "key": "P-256", "policy": {"name": "mine", "document": {"Version": "2012-10-17"}}, "existing": True}, {}
    yield {"name": "tour", "certificate": "aws", "policy": "a+b=c,@.d"}, {}
    yield {"name": "tour", "certificate": "own"}, {"credential": credential}
    yield {"name": "tour", "certificate": "own", "authority": authority, "key": "P-256"}, {}
    yield {"name": "tour", "certificate": "claim",
           "claim": {"template": "T_1", "credential": credential, "parameters": {"Serial number": "{mac} of {slot}"}}}, {}


def wrong_settings():
    """Profiles that cannot be."""
    for settings in ({"slot": "a"}, {"credential": "cred_0"}, {"level": "wifi"}, {"wifi": {}}, {"mqtt": {"topic": "+"}},
                     {"mqtt": {"password": "p"}}, {"firmware": "../x"}, {"check": "all"}, {"check": "publish", "target": {"kind": "client"}},
                     {"wifi": {"ssid": "s", "password_set": 1}},
                     {"mqtt": {"host": "a", "password": "p", "password_set": True}}, {"target": {"kind": "server", "index": 1}},
                     {"layout": {"module": "M"}}, {"layout": "none"}, {"purge_key": 1}, {"cloud": {"name": "a b"}}):
        yield settings


def clouds():
    """Each source of keys; the first holds secrets, and a control plane where nobody is."""
    nobody = {"endpoint": "https://127.0.0.1:9"}
    cloud = {"provider": "aws", "region": "us-east-2"}
    given = {"from": "request", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "tour-secret-of-a-cloud"}
    yield {**cloud, "keys": {**given, "session_token": "tour-token-of-a-cloud"}, "control": nobody, "rate": 100}
    yield {**cloud, "keys": given, "data": {"mqtt_port": 443, "https_port": 443}}
    yield {**cloud, "keys": {"from": "environment"}, "data": {"endpoint": "a1b2-ats.iot.us-east-2.amazonaws.com"}}
    yield {**cloud, "region": "cn-north-1", "keys": {"from": "file"}, "control": {}}
    yield {**cloud, "region": "us-gov-west-1", "keys": {"from": "file", "profile": "bench@1"}, "data": {}}
    yield {**cloud, "keys": {"from": "credential_provider", "endpoint": "c1.credentials.iot.us-east-2.amazonaws.com",
                             "role_alias": "bench", "thing": "bench-3", "credential": "cred_0"}}
    yield {**cloud, "keys": {"from": "none"}}


def wrong_clouds(good):
    """Each breaks one rule."""
    keys = good["keys"]
    for change in ({"provider": "azure"}, {"region": ""}, {"region": "nowhere"}, {"region": "us-east-2x"}, {"keys": {}}, {"keys": 1},
                   {"rate": 0}, {"rate": 101}, {"control": {"url": "x"}}, {"data": {"mqtt_port": 0}}, {"data": {"https_port": 65536}},
                   {"data": {"root_ca": ""}}, {"name": "x"}):
        yield {**good, **change}
    for change in ({"from": "nowhere"}, {"from": "environment"}, {"from": "none"}, {"from": "file"}, {"access_key_id": "short"},
                   {"access_key_id": "with a blank in it"}, {"secret_access_key": ""}, {"secret_access_key": "a b"},
                   {"session_token": "a\r\nb"}, {"secret_access_key_set": True}, {"secret_access_key_set": 1},
                   {"session_token_set": True}, {"profile": "x"}):
        yield {**good, "keys": {**keys, **change}}
    yield {**good, "keys": {"from": "environment", "secret_access_key_set": False}}
    for missing in ("provider", "region", "keys"):
        yield {name: value for name, value in good.items() if name != missing}
    for missing in ("from", "access_key_id", "secret_access_key"):
        yield {**good, "keys": {name: value for name, value in keys.items() if name != missing}}
    provider = {"from": "credential_provider", "endpoint": "localhost", "role_alias": "a", "thing": "t", "credential": "cred_0"}
    for change in ({"role_alias": "a/b"}, {"thing": "a b"}, {"credential": "../x"}, {"endpoint": ""}, {"profile": "x"}):
        yield {**good, "keys": {**provider, **change}}


def with_profile(credential):
    """What a profile of a network and a broker makes possible."""
    yield {"kind": "provision", "credential": credential, "profile": "bench"}
    yield {"kind": "check", "profile": "bench", "level": "time", "wifi": {"ssid": "s", "keep": True}}
    yield {"kind": "write", "credential": credential, "profile": "bench"}


def write(credential):
    """Each way of saying which credential of the board is meant, and what the board is taken for."""
    for kind in ("mqtt", "client", "server", "wpa2", "https", "wss"):
        yield {"kind": "write", "credential": credential, "target": {"kind": kind}, "layout": "mfg_nvs", "purge_key": True}
    for kind in ("client", "https", "wss"):
        yield {"kind": "provision", "credential": credential, "target": {"kind": kind, "index": 1}, "check": "none",
               "layout": {"module": "WROOM-32", "release": "v3.4.0.0"}}


def flash(credential, release, binary, images):
    """Each way of saying what goes where."""
    order, placed = {"kind": "flash"}, {"firmware": binary}
    yield {**order, "firmware": release}
    yield {**order, "firmware": release, "credential": credential, "diff": False, "flash_bytes": "0x400000",
           "allow_unverified": True, "overwrite": ["bootloader", "partition_table", "nvs"], "timeout": 3600,
           "target": {"kind": "mqtt", "index": 0}, "header": {"mode": "dio", "freq": "40m", "size": "4MB"}}
    yield {**order, "images": [{**placed, "offset": "0x100000"}, {**placed, "offset": 0x200000},
                               {**placed, "partition": "ota_0"},
                               {"image": images, "file": "mqtt_ca.bin"},
                               {"image": images, "file": "mqtt_key.bin", "partition": "client_key"}]}
    for place in ({"partition": "mqtt_ca"}, {"offset": "0x70000", "size": 4096}, {"whole": True}):
        yield {"kind": "read", **place}
        yield {"kind": "erase", **place, "overwrite": ["nvs"]}
    yield {"kind": "read", "offset": 1, "size": 1, "whole": False}


def wrong_flash(credential):
    """The same for what goes into a flash, or comes out of it."""
    order, read = {"kind": "flash", "slot": "gone"}, {"kind": "read", "slot": "gone"}
    whole, placed = {**order, "firmware": "fw_0"}, {"firmware": "fw_0", "offset": 4096}
    yield order
    yield {**order, "firmware": "../x"}
    yield {**whole, "target": {"kind": "client"}}
    yield {**whole, "images": [placed]}
    yield {**order, "images": [placed], "credential": credential}
    for images in ([], [placed] * 17, {}, [{}], [1], [{"firmware": "fw_0"}], [{**placed, "partition": "ota_0"}],
                   [{**placed, "offset": 1}], [{**placed, "offset": "0x1001"}], [{**placed, "offset": "4096"}],
                   [{**placed, "offset": 1 << 32}], [{**placed, "file": "a.bin"}], [{**placed, "size": 1}],
                   [{"image": "img_0"}], [{**placed, "image": "img_0", "file": "a.bin"}],
                   [{"firmware": "fw_0", "partition": "p" * 17}], [{"image": "img_0", "file": "f" * 48}]):
        yield {**order, "images": images}
    for change in ({"overwrite": ["app"]}, {"overwrite": "nvs"}, {"overwrite": ["nvs"] * 4}, {"diff": 1},
                   {"header": {"mode": "fast"}}, {"header": {"freq": "81m"}}, {"header": {"size": "4"}},
                   {"header": {"speed": "40m"}}, {"flash_bytes": 4096}, {"flash_bytes": "0x1000"},
                   {"flash_bytes": "0x0ffff"}, {"flash_bytes": "0x10000001"}, {"allow_unverified": "yes"},
                   {"method": "rom"}, {"whole": True}):
        yield {**whole, **change}
    for place in ({}, {"whole": False}, {"offset": 0}, {"size": 1}, {"offset": 0, "size": 0}, {"offset": -1, "size": 1},
                  {"partition": ""}, {"partition": "nvs", "whole": True}, {"partition": "nvs", "offset": 0, "size": 1},
                  {"offset": 0, "size": 1, "whole": True}, {"whole": True, "overwrite": ["nvs"]}):
        yield {**read, **place}
    for place in ({"offset": 1, "size": 4096}, {"offset": 0, "size": 1}, {"offset": "0x1", "size": "0x1000"}, {}):
        yield {**read, "kind": "erase", **place}
