/**
 * What the packages are built and tried beside: versions which npm, PyPI and Maven Central all have. The newest of npm comes to
 * the other two some days later, and the lowest of our range is not on Maven Central.
 */
export const BESIDE = { 'aws-cdk-lib': '2.271.0', constructs: '10.8.1', 'cdk-nag': '3.0.2' } as const;
