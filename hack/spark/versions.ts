/** What is built, pinned: change a line here and just the layers that it concerns are built again. */
export interface SparkPin {
  readonly version: SparkVersion;
  /** Of the source archive on PyPI, which holds Spark whole: jars, scripts and the Python package. */
  readonly sha256: string;
  /** py4j's archive inside it: part of the Python path. */
  readonly py4j: string;
  /** What it takes to speak s3a, of the Hadoop version that this Spark was built with. */
  readonly jars: readonly JarPin[];
}

export interface JarPin {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  readonly sha256: string;
}

export const SPARK_VERSIONS = ['3.5.9', '4.1.4', '4.3.0'] as const;
export type SparkVersion = (typeof SPARK_VERSIONS)[number];
/** The notebook has this one. */
export const NEWEST: SparkVersion = '4.3.0';

const jar = (group: string, artifact: string, version: string, sha256: string): JarPin => ({
  group,
  artifact,
  version,
  sha256,
});
const hadoopAws = (version: string, sha256: string) =>
  jar('org.apache.hadoop', 'hadoop-aws', version, sha256);
const analytics = (version: string, sha256: string) =>
  jar('software.amazon.s3.analyticsaccelerator', 'analyticsaccelerator-s3', version, sha256);

export const SPARK_PINS: readonly SparkPin[] = [
  {
    version: '3.5.9',
    sha256: 'ea27adc39ddac9413b8951e45aa748cbed6c785971b81386efc41938f6243d93',
    py4j: 'py4j-0.10.9.7-src.zip',
    jars: [
      hadoopAws('3.3.4', '53f9ae03c681a30a50aa17524bd9790ab596b28481858e54efd989a826ed3a4a'),
      // Hadoop 3.3 still has version 1 of the SDK.
      jar(
        'com.amazonaws',
        'aws-java-sdk-bundle',
        '1.12.262',
        '873fe7cf495126619997bec21c44de5d992544aea7e632fdc77adb1a0915bae5',
      ),
    ],
  },
  {
    version: '4.1.4',
    sha256: 'bcbd5e18690cf79d438e97210ad06fb8d451a251bb77becc2b0418868d2acd73',
    py4j: 'py4j-0.10.9.9-src.zip',
    jars: [
      hadoopAws('3.4.2', 'd2d24e6b715b5656b9d238bf13b6682a07e2004dd36aad74a73aeb854319f4d9'),
      analytics('1.2.1', '11029552e37408e41e689b20150f4b372e0b4f232de321ccafd0fcf443cdfb5a'),
      jar(
        'software.amazon.awssdk',
        'bundle',
        '2.29.52',
        '62638f33045690c6bc5e496b54b0b2e89a9ad38cbedacdf6e017fea6bc85f55c',
      ),
    ],
  },
  {
    version: '4.3.0',
    sha256: 'e8c517948eff7088a7aa07449aa8eafa4a15a8d50319de2525a6fd26622476c6',
    py4j: 'py4j-0.10.9.9-src.zip',
    jars: [
      hadoopAws('3.5.0', '66bd9eefb938b1a1657487324b63c13df2d8b17164a1dd24e0ef37b905bc5baa'),
      analytics('1.3.1', '4959a9747cbb479c73c3ffbcd479bee5b014f8b2880994585a8693fb9d24675e'),
      jar(
        'software.amazon.awssdk',
        'bundle',
        '2.35.4',
        'db4b55f24ad1b4e70f17eb1717a4de76a8dadc5a27d764be7c44ff67b2c1c677',
      ),
    ],
  },
];

export function pinOf(version: SparkVersion): SparkPin {
  const pin = SPARK_PINS.find((pin) => pin.version === version);
  if (pin === undefined) throw new Error(`Spark ${version} is not pinned`);
  return pin;
}
