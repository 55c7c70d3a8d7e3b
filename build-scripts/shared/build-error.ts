export { AdvisedError as BuildError, Interrupted } from '../../terminal/advised-error.ts'
