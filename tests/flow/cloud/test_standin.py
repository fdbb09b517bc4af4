"""The stand-in for AWS's control plane is judged by AWS's own SDK: things and certificates."""
import unittest

import bench_pki
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from standin_case import SdkCase, request_for


class Sdk(SdkCase):
    def test_who_calls(self):
        told = self.sdk.ok("GetCallerIdentity", service="sts")
        self.assertEqual((told["Account"], told["Arn"]), ("123456789012", "arn:aws:iam::123456789012:user/bench"))

    def test_endpoints(self):
        self.assertEqual(self.sdk.ok("DescribeEndpoint", endpointType="iot:Data-ATS"), {"endpointAddress": "localhost"})
        self.assertRegex(self.sdk.ok("DescribeEndpoint")["endpointAddress"], r"^\w+\.iot\.us-east-2\.amazonaws\.com$")
        self.known("InvalidRequestException", 400, "DescribeEndpoint", endpointType="iot:No")

    def test_a_thing(self):
        made = self.sdk.ok("CreateThing", thingName="esp32:24", attributePayload={"attributes": {"mac": "24-6F"}})
        self.assertEqual(made["thingArn"], self.arn("thing/esp32:24"))
        self.assertEqual(self.sdk.ok("CreateThing", thingName="esp32:24",
                                     attributePayload={"attributes": {"mac": "24-6F"}}), made)
        error = self.known("ResourceAlreadyExistsException", 409, "CreateThing", thingName="esp32:24")
        self.assertEqual((error["resourceId"], error["resourceArn"]), ("esp32:24", made["thingArn"]))
        told = self.sdk.ok("DescribeThing", thingName="esp32:24")
        self.assertEqual((told["attributes"], told["version"], told["thingId"], told["defaultClientId"]),
                         ({"mac": "24-6F"}, 1, made["thingId"], "esp32:24"))
        self.sdk.ok("UpdateThing", thingName="esp32:24", expectedVersion=1,
                    attributePayload={"attributes": {"fw": "2.4", "mac": ""}, "merge": True})
        self.assertEqual(self.sdk.ok("DescribeThing", thingName="esp32:24")["attributes"], {"fw": "2.4"})
        self.known("VersionConflictException", 409, "UpdateThing", thingName="esp32:24", expectedVersion=1)
        self.assertEqual([t["thingName"] for t in self.sdk.ok("ListThings", attributeName="fw",
                                                              attributeValue="2.4")["things"]], ["esp32:24"])
        self.assertEqual(self.sdk.ok("ListThings", attributeName="mac")["things"], [])
        self.known("VersionConflictException", 409, "DeleteThing", thingName="esp32:24", expectedVersion=7)
        self.sdk.ok("DeleteThing", thingName="esp32:24")
        self.sdk.ok("DeleteThing", thingName="esp32:24")
        self.known("ResourceNotFoundException", 404, "DescribeThing", thingName="esp32:24")

    def test_what_a_thing_cannot_be(self):
        for name in ("white space", "ü", "x" * 129):
            self.known("InvalidRequestException", 400, "CreateThing", thingName=name)
        self.known("InvalidRequestException", 400, "CreateThing", thingName="a",
                   attributePayload={"attributes": {"a": "with space"}})
        self.known("InvalidRequestException", 400, "CreateThing", thingName="a",
                   attributePayload={"attributes": {str(n): "1" for n in range(4)}})
        self.known("ResourceNotFoundException", 404, "CreateThing", thingName="a", thingTypeName="none")
        self.sdk.ok("CreateThingType", thingTypeName="board")
        self.sdk.ok("CreateThing", thingName="a", thingTypeName="board",
                    attributePayload={"attributes": {str(n): "1" for n in range(4)}})
        self.assertEqual(self.sdk.ok("DescribeThing", thingName="a")["thingTypeName"], "board")
        self.assertEqual(self.sdk.ok("DescribeThingType", thingTypeName="board")["thingTypeName"], "board")

    def test_lists_come_in_pages(self):
        for n in range(7):
            self.cloud.operate("CreateThing", {"thingName": f"t{n}"})
        names, mark = [], None
        while True:
            got = self.sdk.ok("ListThings", maxResults=3, nextToken=mark)
            names.append([t["thingName"] for t in got["things"]])
            mark = got.get("nextToken")
            if not mark:
                break
        self.assertEqual(names, [["t0", "t1", "t2"], ["t3", "t4", "t5"], ["t6"]])
        self.known("InvalidRequestException", 400, "ListThings", maxResults=251)
        self.known("InvalidRequestException", 400, "ListThings", nextToken="nonsense")

    def test_groups(self):
        self.sdk.ok("CreateThing", thingName="a")
        group = self.sdk.ok("CreateThingGroup", thingGroupName="bench")
        self.assertEqual(group["thingGroupArn"], self.arn("thinggroup/bench"))
        self.assertEqual(self.sdk.ok("CreateThingGroup", thingGroupName="bench"), group)
        self.known("ResourceAlreadyExistsException", 409, "CreateThingGroup", thingGroupName="bench",
                   thingGroupProperties={"thingGroupDescription": "other"})
        self.sdk.ok("AddThingToThingGroup", thingName="a", thingGroupName="bench")
        self.sdk.ok("AddThingToThingGroup", thingArn=self.arn("thing/a"), thingGroupArn=group["thingGroupArn"])
        self.assertEqual(self.sdk.ok("ListThingsInThingGroup", thingGroupName="bench")["things"], ["a"])
        self.assertEqual(self.sdk.ok("ListThingGroupsForThing", thingName="a")["thingGroups"][0]["groupName"], "bench")
        self.known("ResourceNotFoundException", 404, "AddThingToThingGroup", thingName="a", thingGroupName="none")
        self.sdk.ok("RemoveThingFromThingGroup", thingName="a", thingGroupName="bench")
        self.assertEqual(self.sdk.ok("ListThingsInThingGroup", thingGroupName="bench")["things"], [])
        self.assertEqual(self.sdk.ok("DescribeThingGroup", thingGroupName="bench")["thingGroupId"],
                         group["thingGroupId"])
        self.sdk.ok("DeleteThingGroup", thingGroupName="bench")

    def test_a_certificate_for_a_request(self):
        made = self.sdk.ok("CreateCertificateFromCsr", certificateSigningRequest=self.csr)
        certificate = x509.load_pem_x509_certificate(made["certificatePem"].encode())
        self.assertEqual(certificate.public_key().public_numbers(), self.key.public_key().public_numbers())
        self.assertEqual(certificate.fingerprint(hashes.SHA256()).hex(), made["certificateId"])
        self.assertEqual(made["certificateArn"], self.arn(f"cert/{made['certificateId']}"))
        told = self.sdk.ok("DescribeCertificate", certificateId=made["certificateId"])["certificateDescription"]
        self.assertEqual((told["status"], told["certificatePem"], told["ownedBy"], told["certificateMode"]),
                         ("INACTIVE", made["certificatePem"], "123456789012", "DEFAULT"))
        self.assertTrue(told["validity"]["notAfter"].startswith("2049-12-31T23:59:59"), told["validity"])
        again = self.sdk.ok("CreateCertificateFromCsr", certificateSigningRequest=self.csr, setAsActive=True)
        self.assertNotEqual(again["certificateId"], made["certificateId"])
        listed = self.sdk.ok("ListCertificates")["certificates"]
        self.assertEqual([(c["certificateId"], c["status"]) for c in listed],
                         [(again["certificateId"], "ACTIVE"), (made["certificateId"], "INACTIVE")])
        self.assertEqual(self.sdk.ok("ListCertificates", ascendingOrder=True)["certificates"], listed[::-1])

    def test_requests_that_are_not_signed(self):
        weak = request_for(rsa.generate_private_key(65537, 1024))
        for bad in ("nonsense", weak, "x" * 5000, self.csr.replace("A", "B", 1)):
            self.known("InvalidRequestException", 400, "CreateCertificateFromCsr", certificateSigningRequest=bad)
        self.assertEqual(self.cloud.certificates(), {})

    def test_a_certificate_with_a_key(self):
        made = self.sdk.ok("CreateKeysAndCertificate", setAsActive=True)
        key = serialization.load_pem_private_key(made["keyPair"]["PrivateKey"].encode(), None)
        self.assertEqual(key.key_size, 2048)
        certificate = x509.load_pem_x509_certificate(made["certificatePem"].encode())
        self.assertEqual(certificate.public_key().public_numbers(), key.public_key().public_numbers())
        public = serialization.load_pem_public_key(made["keyPair"]["PublicKey"].encode())
        self.assertEqual(public.public_numbers(), key.public_key().public_numbers())

    def test_a_certificate_that_is_brought_along(self):
        own = bench_pki.shared().device.cert.decode()
        made = self.sdk.ok("RegisterCertificateWithoutCA", certificatePem=own, status="ACTIVE")
        told = self.sdk.ok("DescribeCertificate", certificateId=made["certificateId"])["certificateDescription"]
        self.assertEqual((told["status"], told["certificateMode"]), ("ACTIVE", "SNI_ONLY"))
        error = self.known("ResourceAlreadyExistsException", 409, "RegisterCertificateWithoutCA", certificatePem=own)
        self.assertEqual((error["resourceId"], error["resourceArn"]), (made["certificateId"], made["certificateArn"]))
        self.known("CertificateValidationException", 400, "RegisterCertificateWithoutCA", certificatePem="nonsense")
        self.known("CertificateStateException", 406, "RegisterCertificateWithoutCA", status="REVOKED",
                   certificatePem=bench_pki.shared().ec_device.cert.decode())

    def test_a_certificate_of_a_registered_authority(self):
        pki = bench_pki.shared()
        own = pki.ec_device.cert.decode()
        self.known("CertificateValidationException", 400, "RegisterCertificate", certificatePem=own)
        code = self.sdk.ok("GetRegistrationCode")["registrationCode"]
        self.assertRegex(code, "^[0-9a-f]{64}$")
        authority = pki.ca.cert.decode()
        self.known("RegistrationCodeValidationException", 400, "RegisterCACertificate", caCertificate=authority,
                   verificationCertificate=own)
        ca = self.sdk.ok("RegisterCACertificate", caCertificate=authority, setAsActive=True,
                         verificationCertificate=pki.issue(code, pki.ca).cert.decode())
        made = self.sdk.ok("RegisterCertificate", certificatePem=own, status="INACTIVE")
        told = self.sdk.ok("DescribeCertificate", certificateId=made["certificateId"])["certificateDescription"]
        self.assertEqual((told["status"], told["caCertificateId"]), ("INACTIVE", ca["certificateId"]))

    def test_states_of_a_certificate(self):
        one = self.certificate()["certificateId"]
        for status in ("ACTIVE", "REVOKED", "INACTIVE", "ACTIVE"):
            self.sdk.ok("UpdateCertificate", certificateId=one, newStatus=status)
            self.assertEqual(self.cloud.certificates()[one]["status"], status)
        self.known("CertificateStateException", 406, "UpdateCertificate", certificateId=one,
                   newStatus="PENDING_ACTIVATION")
        self.known("InvalidRequestException", 400, "UpdateCertificate", certificateId=one, newStatus="NO")
        self.known("ResourceNotFoundException", 404, "UpdateCertificate", certificateId="0" * 64, newStatus="ACTIVE")
        self.known("CertificateStateException", 406, "DeleteCertificate", certificateId=one)
        self.sdk.ok("UpdateCertificate", certificateId=one, newStatus="INACTIVE")
        self.sdk.ok("DeleteCertificate", certificateId=one)
        self.known("ResourceNotFoundException", 404, "DeleteCertificate", certificateId=one)


if __name__ == "__main__":
    unittest.main()
