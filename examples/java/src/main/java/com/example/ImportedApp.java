package com.example;

import io.github.cdkwso2isrecovery.DeploymentToml;
import io.github.cdkwso2isrecovery.IdentityServerRecovery;
import io.github.cdkwso2isrecovery.ProtectedDatabase;
import io.github.cdkwso2isrecovery.ProtectedInstanceProps;
import io.github.cdkwso2isrecovery.RecoveryObjectives;
import io.github.cdkwso2isrecovery.RecoveryObjectivesProps;
import io.github.cdkwso2isrecovery.RecoverySite;
import io.github.cdkwso2isrecovery.SiteObjectives;
import io.github.cdkwso2isrecovery.Volume;
import io.github.cdkwso2isrecovery.VolumeProps;
import java.util.List;
import java.util.stream.IntStream;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.Environment;
import software.amazon.awscdk.Fn;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.amazon.awscdk.services.ec2.IVpc;
import software.amazon.awscdk.services.ec2.SecurityGroup;
import software.amazon.awscdk.services.ec2.Vpc;
import software.amazon.awscdk.services.ec2.VpcAttributes;
import software.amazon.awscdk.services.efs.AccessPoint;
import software.amazon.awscdk.services.efs.AccessPointAttributes;
import software.amazon.awscdk.services.efs.FileSystem;
import software.amazon.awscdk.services.efs.FileSystemAttributes;
import software.amazon.awscdk.services.efs.IAccessPoint;
import software.amazon.awscdk.services.rds.DatabaseInstance;
import software.amazon.awscdk.services.rds.DatabaseInstanceAttributes;
import software.amazon.awscdk.services.rds.IDatabaseInstance;
import software.amazon.awscdk.services.secretsmanager.ISecret;
import software.amazon.awscdk.services.secretsmanager.Secret;
import software.constructs.Construct;

/** A CDK app in Java that knows the identity server by its attributes alone: ../cdk-imported in Java. */
public final class ImportedApp {
  private static final String ACCOUNT = "111122223333";

  /** With two zones, and without a look-up of them in the account. */
  private static final class DrStack extends Stack {
    DrStack(Construct scope, String id) {
      super(scope, id, in("eu-west-1"));
    }

    @Override
    public List<String> getAvailabilityZones() {
      return IntStream.range(0, 2).mapToObj(index -> Fn.select(index, Fn.getAzs())).toList();
    }
  }

  public static void main(String[] args) {
    App app = new App();
    RecoverySite site = new RecoverySite(new DrStack(app, "IdentityServerDr"), "RecoverySite");

    Stack stack = new Stack(app, "IdentityServerRecovery", in("eu-central-1"));
    IVpc vpc = Vpc.fromVpcAttributes(stack, "Vpc", VpcAttributes.builder()
        .vpcId("vpc-0123456789abcdef0")
        .availabilityZones(List.of("eu-central-1a", "eu-central-1b"))
        .privateSubnetIds(List.of("subnet-0123456789abcdef0", "subnet-0123456789abcdef1"))
        .build());
    IDatabaseInstance database = DatabaseInstance.fromDatabaseInstanceAttributes(stack, "Database",
        DatabaseInstanceAttributes.builder()
            .instanceIdentifier("wso2is")
            .instanceEndpointAddress("wso2is.abcdefghijkl.eu-central-1.rds.amazonaws.com")
            .port(5432)
            .securityGroups(List.of())
            .build());
    IAccessPoint repository = AccessPoint.fromAccessPointAttributes(stack, "Repository", AccessPointAttributes.builder()
        .accessPointId("fsap-0123456789abcdef0")
        .fileSystem(FileSystem.fromFileSystemAttributes(stack, "Files", FileSystemAttributes.builder()
            .fileSystemId("fs-0123456789abcdef0")
            .securityGroup(SecurityGroup.fromSecurityGroupId(stack, "Mount", "sg-0123456789abcdef0"))
            .build()))
        .build());
    // With a replica in the DR Region and the tag `wso2is-recovery:site`: an imported secret is left as it is.
    ISecret credentials = Secret.fromSecretCompleteArn(stack, "Credentials",
        "arn:aws:secretsmanager:eu-central-1:" + ACCOUNT + ":secret:wso2is-AbCdEf");

    IdentityServerRecovery.Builder.create(stack, "Recovery")
        .deployment(DeploymentToml.fromFile("deployment-imported.toml"))
        // No `datasources`: deployment.toml has the endpoint, by which each database finds its instance.
        .databases(List.of(ProtectedDatabase.fromInstance(database,
            ProtectedInstanceProps.builder().credentials(credentials).build())))
        .volumes(List.of(Volume.fromAccessPoint(repository, VolumeProps.builder().mountedAt("repository").build())))
        .vpc(vpc)
        .objectives(RecoveryObjectives.of(RecoveryObjectivesProps.builder()
            .rpo(Duration.hours(1))
            .rto(Duration.hours(4))
            .drSite(SiteObjectives.builder().rpo(Duration.hours(2)).rto(Duration.hours(8)).build())
            .build()))
        .site(site)
        .build();
    app.synth();
  }

  private static StackProps in(String region) {
    return StackProps.builder().env(Environment.builder().account(ACCOUNT).region(region).build()).build();
  }
}
