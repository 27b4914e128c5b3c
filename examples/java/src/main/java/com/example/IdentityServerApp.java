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
import software.amazon.awscdk.services.ec2.GatewayVpcEndpointAwsService;
import software.amazon.awscdk.services.ec2.GatewayVpcEndpointOptions;
import software.amazon.awscdk.services.ec2.InstanceClass;
import software.amazon.awscdk.services.ec2.InstanceSize;
import software.amazon.awscdk.services.ec2.InstanceType;
import software.amazon.awscdk.services.ec2.Vpc;
import software.amazon.awscdk.services.efs.AccessPoint;
import software.amazon.awscdk.services.efs.AccessPointOptions;
import software.amazon.awscdk.services.efs.Acl;
import software.amazon.awscdk.services.efs.FileSystem;
import software.amazon.awscdk.services.efs.PosixUser;
import software.amazon.awscdk.services.rds.DatabaseInstance;
import software.amazon.awscdk.services.rds.DatabaseInstanceEngine;
import software.amazon.awscdk.services.rds.MySqlInstanceEngineProps;
import software.amazon.awscdk.services.rds.MysqlEngineVersion;
import software.constructs.Construct;

/** A CDK app in Java that owns the network, the database and the volume of an identity server, and protects them: ../cdk-app in Java. */
public final class IdentityServerApp {
  public static void main(String[] args) {
    App app = new App();
    DrStack dr = new DrStack(app, "IdentityServerDr", "eu-west-1");
    new IdentityServerStack(app, "IdentityServer", "eu-central-1", dr.site);
    app.synth();
  }

  /** In a Region, with two zones and without a look-up of them in the account. */
  private static class RegionalStack extends Stack {
    RegionalStack(Construct scope, String id, String region) {
      super(scope, id, StackProps.builder()
          .env(Environment.builder().account(System.getenv("CDK_DEFAULT_ACCOUNT")).region(region).build())
          .build());
    }

    @Override
    public List<String> getAvailabilityZones() {
      return IntStream.range(0, 2).mapToObj(index -> Fn.select(index, Fn.getAzs())).toList();
    }
  }

  private static final class DrStack extends RegionalStack {
    final RecoverySite site = new RecoverySite(this, "RecoverySite");

    DrStack(Construct scope, String id, String region) {
      super(scope, id, region);
    }
  }

  private static final class IdentityServerStack extends RegionalStack {
    IdentityServerStack(Construct scope, String id, String region, RecoverySite site) {
      super(scope, id, region);
      Vpc vpc = Vpc.Builder.create(this, "Vpc").maxAzs(2).natGateways(1).build();
      vpc.addGatewayEndpoint("S3", GatewayVpcEndpointOptions.builder().service(GatewayVpcEndpointAwsService.S3).build());
      DatabaseInstance database = DatabaseInstance.Builder.create(this, "Database")
          .vpc(vpc)
          .engine(DatabaseInstanceEngine.mysql(MySqlInstanceEngineProps.builder()
              .version(MysqlEngineVersion.of("8.4.9", "8.4"))
              .build()))
          .instanceType(InstanceType.of(InstanceClass.M7G, InstanceSize.LARGE))
          .multiAz(true)
          .storageEncrypted(true)
          .preferredBackupWindow("02:00-02:30")
          .preferredMaintenanceWindow("sun:03:00-sun:03:30")
          .build();
      FileSystem files = FileSystem.Builder.create(this, "Repository").vpc(vpc).encrypted(true).build();
      AccessPoint repository = files.addAccessPoint("Access", AccessPointOptions.builder()
          .path("/repository")
          .createAcl(Acl.builder().ownerUid("802").ownerGid("802").permissions("750").build())
          .posixUser(PosixUser.builder().uid("802").gid("802").build())
          .build());

      // All that recovery adds to the stack.
      IdentityServerRecovery.Builder.create(this, "Recovery")
          .deployment(DeploymentToml.fromFile("deployment.toml"))
          .databases(List.of(ProtectedDatabase.fromInstance(database, ProtectedInstanceProps.builder()
              .datasources(List.of("identity_db", "shared_db"))
              .credentials(database.getSecret())
              .build())))
          .volumes(List.of(Volume.fromAccessPoint(repository, VolumeProps.builder().mountedAt("repository").build())))
          .vpc(vpc)
          .objectives(RecoveryObjectives.of(RecoveryObjectivesProps.builder()
              .rpo(Duration.hours(1))
              .rto(Duration.hours(4))
              .drSite(SiteObjectives.builder().rpo(Duration.hours(8)).rto(Duration.hours(8)).build())
              .build()))
          .site(site)
          .build();
    }
  }
}
