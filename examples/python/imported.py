"""A CDK app in Python that knows the identity server by its attributes alone: ../cdk-imported in Python."""

from pathlib import Path

from aws_cdk import App, Duration, Environment, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from cdk_wso2is_recovery import (
    DeploymentToml,
    IdentityServerRecovery,
    ProtectedDatabase,
    RecoveryObjectives,
    RecoverySite,
    SiteObjectives,
    Volume,
)

ACCOUNT = "111122223333"


class DrStack(Stack):
    @property
    def availability_zones(self) -> list[str]:
        """Without a look-up of the zones in the account."""
        return [Fn.select(index, Fn.get_azs()) for index in range(2)]


app = App()
dr_stack = DrStack(app, "IdentityServerDr", env=Environment(account=ACCOUNT, region="eu-west-1"))
site = RecoverySite(dr_stack, "RecoverySite")

stack = Stack(app, "IdentityServerRecovery", env=Environment(account=ACCOUNT, region="eu-central-1"))
vpc = ec2.Vpc.from_vpc_attributes(
    stack,
    "Vpc",
    vpc_id="vpc-0123456789abcdef0",
    availability_zones=["eu-central-1a", "eu-central-1b"],
    private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
)
database = rds.DatabaseInstance.from_database_instance_attributes(
    stack,
    "Database",
    instance_identifier="wso2is",
    instance_endpoint_address="wso2is.abcdefghijkl.eu-central-1.rds.amazonaws.com",
    port=5432,
    security_groups=[],
)
repository = efs.AccessPoint.from_access_point_attributes(
    stack,
    "Repository",
    access_point_id="fsap-0123456789abcdef0",
    file_system=efs.FileSystem.from_file_system_attributes(
        stack,
        "Files",
        file_system_id="fs-0123456789abcdef0",
        security_group=ec2.SecurityGroup.from_security_group_id(stack, "Mount", "sg-0123456789abcdef0"),
    ),
)
# With a replica in the DR Region and the tag `wso2is-recovery:site`: an imported secret is left as it is.
credentials = secretsmanager.Secret.from_secret_complete_arn(
    stack, "Credentials", f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:wso2is-AbCdEf"
)

IdentityServerRecovery(
    stack,
    "Recovery",
    deployment=DeploymentToml.from_file(str(Path(__file__).parent / "deployment-imported.toml")),
    # No `datasources`: deployment.toml has the endpoint, by which each database finds its instance.
    databases=[ProtectedDatabase.from_instance(database, credentials=credentials)],
    volumes=[Volume.from_access_point(repository, mounted_at="repository")],
    vpc=vpc,
    objectives=RecoveryObjectives.of(
        rpo=Duration.hours(1),
        rto=Duration.hours(4),
        dr_site=SiteObjectives(rpo=Duration.hours(2), rto=Duration.hours(8)),
    ),
    site=site,
)
app.synth()
