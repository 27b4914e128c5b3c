"""A CDK app in Python that owns the network, the database and the volume of an identity server, and protects them: ../cdk-app in Python."""

import os
from pathlib import Path

from aws_cdk import App, Duration, Environment, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_rds as rds
from cdk_wso2is_recovery import (
    DeploymentToml,
    IdentityServerRecovery,
    ProtectedDatabase,
    RecoveryObjectives,
    RecoverySite,
    SiteObjectives,
    Volume,
)
from constructs import Construct

ACCOUNT = os.environ.get("CDK_DEFAULT_ACCOUNT")


def two_zones() -> list[str]:
    """Without a look-up of the zones in the account."""
    return [Fn.select(index, Fn.get_azs()) for index in range(2)]


class DrStack(Stack):
    def __init__(self, scope: Construct, id: str, *, region: str) -> None:
        super().__init__(scope, id, env=Environment(account=ACCOUNT, region=region))
        self.site = RecoverySite(self, "RecoverySite")

    @property
    def availability_zones(self) -> list[str]:
        return two_zones()


class IdentityServerStack(Stack):
    def __init__(self, scope: Construct, id: str, *, region: str, site: RecoverySite) -> None:
        super().__init__(scope, id, env=Environment(account=ACCOUNT, region=region))
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=1)
        vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        database = rds.DatabaseInstance(
            self,
            "Database",
            vpc=vpc,
            engine=rds.DatabaseInstanceEngine.mysql(version=rds.MysqlEngineVersion.of("8.4.9", "8.4")),
            instance_type=ec2.InstanceType.of(ec2.InstanceClass.M7G, ec2.InstanceSize.LARGE),
            multi_az=True,
            storage_encrypted=True,
            preferred_backup_window="02:00-02:30",
            preferred_maintenance_window="sun:03:00-sun:03:30",
        )
        repository = efs.FileSystem(self, "Repository", vpc=vpc, encrypted=True).add_access_point(
            "Access",
            path="/repository",
            create_acl=efs.Acl(owner_uid="802", owner_gid="802", permissions="750"),
            posix_user=efs.PosixUser(uid="802", gid="802"),
        )

        # All that recovery adds to the stack.
        IdentityServerRecovery(
            self,
            "Recovery",
            deployment=DeploymentToml.from_file(str(Path(__file__).parent / "deployment.toml")),
            databases=[
                ProtectedDatabase.from_instance(
                    database, datasources=["identity_db", "shared_db"], credentials=database.secret
                )
            ],
            volumes=[Volume.from_access_point(repository, mounted_at="repository")],
            vpc=vpc,
            objectives=RecoveryObjectives.of(
                rpo=Duration.hours(1),
                rto=Duration.hours(4),
                dr_site=SiteObjectives(rpo=Duration.hours(8), rto=Duration.hours(8)),
            ),
            site=site,
        )

    @property
    def availability_zones(self) -> list[str]:
        return two_zones()


app = App()
dr = DrStack(app, "IdentityServerDr", region="eu-west-1")
IdentityServerStack(app, "IdentityServer", region="eu-central-1", site=dr.site)
app.synth()
